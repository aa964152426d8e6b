// Collectives written down as steps: a ring as a list equals the ring; wrong lists are found out.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

std::string program(const std::string& operation, int parts, const std::vector<std::string>& ranks) {
  std::string text = fmt::format(R"({{"kind": "custom", "operation": "{}", "parts": {}, "ranks": [)", operation, parts);
  for (const std::string& steps : ranks) text += (text.back() == '[' ? "" : ", ") + ("{\"steps\": [" + steps + "]}");
  return text + "]}";
}

std::string step(const char* does, int peer, int part) {
  return fmt::format(R"({{"{}": {}, "part": {}}})", does, peer, part);
}

std::string ring(int n) {
  std::vector<std::string> ranks;
  for (int rank = 0; rank < n; ++rank) {
    std::string steps;
    const auto chunk = [n](int index) { return ((index % n) + n) % n; };
    for (int s = 1; s < 2 * n - 1; ++s) {
      const bool reduces = s < n;
      const int t = reduces ? s : s - n + 1;
      if (!steps.empty()) steps += ", ";
      steps += step("send", (rank + 1) % n, chunk(reduces ? rank - t : rank - t + 1)) + ", " +
               step(reduces ? "reduce" : "receive", (rank + n - 1) % n, chunk(reduces ? rank - t - 1 : rank - t));
    }
    ranks.push_back(steps);
  }
  return program("all_reduce", n, ranks);
}

Results made(const std::string& algorithm, int workers) {
  return run("tests/data/wrong/scenario.json",
             {fmt::format("cluster.workers={}", workers), "cluster.stragglers=[]",
              R"(cluster.topology={"kind": "star", "bandwidth": "1Gbps", "latency": "1us"})",
              R"(training.strategy={"kind": "bsp", "aggregate": {"kind": "all_reduce", "algorithm": )" + algorithm +
                  "}}"})
      .results;
}

TEST(CustomCollective, ThatIsARingIsTheRing) {
  for (const int n : {2, 3, 4}) {
    const Results own = made(ring(n), n), known = made("\"ring\"", n);
    EXPECT_TRUE(own.all_hold());  // the serial sum among them
    EXPECT_EQ(own.simulated_time_s, known.simulated_time_s) << n;
    EXPECT_EQ(own.bytes_on_wire, known.bytes_on_wire) << n;
    EXPECT_EQ(own.collectives.at(0).algorithm, "custom");
    EXPECT_EQ(own.collectives.at(0).fidelity, "fluid");
  }
}

void expect_rejected(const std::string& algorithm, const std::string& why) {
  try {
    made(algorithm, 2);
    ADD_FAILURE() << "accepted: " << algorithm;
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
  }
}

TEST(CustomCollective, ThatIsWrongIsFoundOut) {
  const std::string to1 = step("send", 1, 0), to0 = step("send", 0, 0), add1 = step("reduce", 1, 0),
                    add0 = step("reduce", 0, 0);
  expect_rejected(program("all_reduce", 1, {to1 + "," + add1, add0}), "rank 0, step 1: waits for rank 1 for ever");
  expect_rejected(program("all_reduce", 1, {to1 + "," + to1, add0}), "rank 1 never takes in what rank 0 sends last");
  expect_rejected(program("all_reduce", 1, {to1, add0}),
                  "rank 0 ends with rank 1's share of part 0 0 times; all_reduce needs it once");
  expect_rejected(program("all_reduce", 1, {to1 + "," + add1, to0 + "," + step("receive", 0, 0)}),
                  "rank 1 ends with rank 1's share of part 0 0 times");
  expect_rejected(program("all_reduce", 2, {to1, step("reduce", 0, 1)}), "takes part 1, but rank 0 has sent part 0");
  expect_rejected(program("all_reduce", 1, {step("send", 0, 0), to0}), "cannot exchange messages with itself");
  expect_rejected(program("all_reduce", 1, {step("send", 5, 0), to0}), "rank 0 names rank 5; there are 2");
  expect_rejected(program("all_reduce", 1, {step("send", 1, 3), to0}), "must be below 1, the parts");
  expect_rejected(program("all_reduce", 1, {}), "must list what each rank does");
  expect_rejected(program("broadcast", 1, {to1, step("receive", 0, 0)}), "custom cannot do all_reduce");
  expect_rejected(ring(3), "is written for 3 ranks, not 2");
}

}  // namespace
}  // namespace paceline::test
