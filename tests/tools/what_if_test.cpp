// what-if: each cause is taken away on common random numbers, and what that changes is what it costs.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/experiment/what_if.hpp"
#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::json;
using What = Change::What;

constexpr const char* timing = "tests/data/scenarios/timing.json";  // a step of 3 ms, bytes for nothing
constexpr double step = 3e-3;
constexpr const char* bsp = R"(training.strategy={"kind": "bsp"})";

std::vector<Variant> compared(const std::vector<std::string>& assignments, const std::vector<Change>& changes) {
  Threads threads(1);
  return what_if({parse(timing, assignments)}, changes, threads, [](std::size_t, std::size_t) {});
}

Results changed(const Spec& spec, const std::vector<Change>& changes) {
  Spec other = spec;
  for (const Change& change : changes) apply(change, other);
  Threads threads(1);
  return Experiment(other, threads).run();
}

TEST(WhatIf, WithoutTheOnlyStragglerIsTheRunWithoutItToTheBit) {
  const std::vector<std::string> common{bsp, R"(cluster.jitter={"kind": "exponential"})",
                                        "training.stop={\"steps\": 40}"};
  for (const char* straggler :
       {R"({"kind": "slow", "workers": "1", "factor": 3})", R"({"kind": "spike", "probability": 0.1, "factor": 5})"}) {
    std::vector<std::string> with = common, without = common;
    with.push_back(fmt::format("cluster.stragglers=[{}]", straggler));
    without.push_back("cluster.stragglers=[]");
    const Results made = changed(parse(timing, with), {{What::straggler, 0}}), plain = run(timing, without).results;
    EXPECT_EQ(made.fingerprint, plain.fingerprint);
    EXPECT_EQ(made.simulated_time_s, plain.simulated_time_s);
    EXPECT_GT(run(timing, with).results.simulated_time_s, plain.simulated_time_s);
  }
}

// A slow worker that always computes multiplies every step of bsp by its factor.
TEST(WhatIf, ASlowWorkerCostsBspWhatTheClosedFormSays) {
  const auto variants = compared(
      {bsp, "training.stop={\"steps\": 40}", R"(cluster.stragglers=[{"kind": "slow", "workers": "1", "factor": 3}])"},
      {{What::straggler, 0}, {What::compute, 0, 0.5}});
  ASSERT_EQ(variants.size(), 4u);
  EXPECT_NEAR(variants[0].simulated_time_s, 40 * step * 3, 1e-12);
  EXPECT_NEAR(variants[1].simulated_time_s, 40 * step, 1e-12);
  EXPECT_NEAR(variants[2].simulated_time_s, 40 * step * 3 / 2, 1e-12);
  EXPECT_NEAR(variants[3].simulated_time_s, 40 * step / 2, 1e-12);  // all of them
  EXPECT_NEAR(paired_difference(variants[0].times_s, variants[1].times_s).mean, -40 * step * 2, 1e-12);
  EXPECT_EQ(variants[1].wait_fraction, 0);
}

// Without the first of two the second one is what it would be alone at its place, not at the first one's.
TEST(WhatIf, OtherStragglersKeepTheirDraws) {
  const std::vector<std::string> common{bsp, R"(cluster.jitter={"kind": "exponential"})",
                                        "training.stop={\"steps\": 100}"};
  const auto with = [&](const std::string& stragglers) {
    std::vector<std::string> all = common;
    all.push_back("cluster.stragglers=" + stragglers);
    return parse(timing, all);
  };
  const std::string spike = R"({"kind": "spike", "probability": 0.2, "factor": 5})";
  const std::string nothing = R"({"kind": "slow", "workers": "1", "factor": 1})";
  const std::string slow = R"({"kind": "slow", "workers": "1", "factor": 3})";
  const Results made = changed(with("[" + slow + ", " + spike + "]"), {{What::straggler, 0}});
  EXPECT_EQ(made.simulated_time_s, changed(with("[" + nothing + ", " + spike + "]"), {}).simulated_time_s);
  EXPECT_NE(made.simulated_time_s, changed(with("[" + spike + "]"), {}).simulated_time_s);
}

// 2 (N - 1) chunks of S / N after one another, each with the latency: only the bytes' time halves.
TEST(WhatIf, TwiceTheNetworkHalvesTheTimeOfBytesAndLeavesLatencies) {
  const std::vector<std::string> common{
      R"(training.strategy={"kind": "bsp", "aggregate": {"kind": "all_reduce", "algorithm": {"kind": "ring"}, "overlap": false, "bucket": "1GB"}})",
      "cluster.workers=4",
      R"(cluster.topology={"kind": "star", "bandwidth": "8Gbps", "latency": "50us"})",
      R"(workload.cost={"kind": "fixed", "forward": "1ms", "backward": "2ms", "update": "0s", "gradient": "4MB"})",
      "training.stop={\"steps\": 10}",
      "cluster.stragglers=[]"};
  const auto variants = compared(common, {{What::network, 0, 2}});
  const double latency = 6 * 100e-6, bytes = 6 * 1e6 / 1e9;
  EXPECT_NEAR(variants[0].simulated_time_s, 10 * (step + latency + bytes), 1e-9);
  EXPECT_NEAR(variants[1].simulated_time_s, 10 * (step + latency + bytes / 2), 1e-9);
  EXPECT_TRUE(variants[1].checks_hold);
}

TEST(WhatIf, WithoutFailuresIsTheRunWithoutThem) {
  const std::vector<std::string> common{R"(training.strategy={"kind": "async"})", "training.stop={\"updates\": 400}",
                                        R"(training.recovery={"detection": "1ms", "restart": "1ms"})"};
  std::vector<std::string> with = common, without = common;
  with.push_back(R"(cluster.failures=[{"kind": "exponential", "mtbf": "100ms", "repair": "10ms"}])");
  without.push_back("cluster.failures=[]");
  const Spec spec = parse(timing, with);
  const Results plain = run(timing, without).results;
  EXPECT_EQ(changed(spec, {{What::failure, 0}}).fingerprint, plain.fingerprint);
  EXPECT_EQ(changed(spec, {{What::all_failures}}).fingerprint, plain.fingerprint);
  EXPECT_GT(changed(spec, {}).simulated_time_s, plain.simulated_time_s);
}

// By hand: differences -1, -3, -2 with a deviation of 1, and t = 4.302653 for two degrees of freedom.
TEST(WhatIf, IntervalsAreStudentsOfPairedDifferences) {
  const Estimate d = paired_difference({10, 20, 30}, {9, 17, 28});
  EXPECT_DOUBLE_EQ(d.mean, -2);
  EXPECT_NEAR(d.half_interval.value(), 4.302653 / std::sqrt(3.0), 1e-6);
  EXPECT_FALSE(paired_difference({10}, {9}).half_interval);
}

// Jitter moves both runs of a pair alike: the interval of the difference is far below that of the times themselves.
TEST(WhatIf, SeedsArePairedAndJsonIsOneDocument) {
  const std::string scenario = path_of("tests/data/wrong/scenario.json");
  const Finished finished = paceline({"what-if", scenario, "--timing-only", "--seeds", "4", "--json", "--quiet",
                                      "--without", "straggler:0", "--compute-factor", "0.5"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(finished.err, "");
  const Json made = Json::parse(finished.out);
  EXPECT_EQ(made["seeds"], (Json{1, 2, 3, 4}));
  ASSERT_EQ(made["changes"].size(), 3u);
  EXPECT_EQ(made["changes"][0]["change"], "without straggler 0 (slow)");
  EXPECT_EQ(made["changes"][2]["change"], "all of them");
  std::vector<double> before, after;
  for (const char* seed : {"seed=1", "seed=2", "seed=3", "seed=4"}) {
    before.push_back(run("tests/data/wrong/scenario.json", {seed, "numerics=false"}).results.simulated_time_s);
    after.push_back(run("tests/data/wrong/scenario.json", {seed, "numerics=false", "cluster.stragglers=[]"})
                        .results.simulated_time_s);
  }
  const Estimate d = paired_difference(before, after);
  EXPECT_DOUBLE_EQ(made["changes"][0]["difference_s"].get<double>(), d.mean);
  EXPECT_DOUBLE_EQ(made["changes"][0]["interval_s"][0].get<double>(), d.mean - *d.half_interval);
  EXPECT_LT(made["changes"][1]["difference_s"], 0);
}

TEST(WhatIf, WithoutAnyWordTakesEveryCauseInTurn) {
  const std::string scenario = path_of("tests/data/wrong/scenario.json");
  const Finished finished = paceline({"what-if", scenario});
  EXPECT_EQ(finished.code, 0) << finished.err;
  for (const char* row : {"as it is", "without straggler 0 (slow)", "network x 2", "compute time x 0.5", "all of them"})
    EXPECT_NE(finished.out.find(row), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("ended by steps"), std::string::npos);
}

TEST(WhatIf, SaysWhatThereIsNot) {
  const std::string scenario = path_of("tests/data/wrong/scenario.json");
  const auto complaint = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"what-if", scenario};
    words.insert(words.end(), more.begin(), more.end());
    const Finished finished = paceline(words);
    EXPECT_EQ(finished.code, 2);
    EXPECT_EQ(finished.out, "");
    return finished.err;
  };
  EXPECT_EQ(complaint({"--without", "straggler:1"}),
            "paceline: there is no straggler 1: the scenario has one, number 0\n");
  EXPECT_EQ(complaint({"--without", "failure:0"}), "paceline: the scenario has no failures\n");
  EXPECT_EQ(complaint({"--without-all-failures"}), "paceline: the scenario has no failures\n");
  EXPECT_EQ(complaint({"--set", "cluster.stragglers=[]", "--without-all-stragglers"}),
            "paceline: the scenario has no stragglers\n");
  EXPECT_EQ(complaint({"--without", "worker:3"}),
            "paceline: --without: \"worker:3\" is neither straggler:I nor failure:I, with I counted from 0\n");
  EXPECT_EQ(complaint({"--without", "straggler:x"}),
            "paceline: --without: \"straggler:x\" is neither straggler:I nor failure:I, with I counted from 0\n");
  EXPECT_NE(complaint({"--network-factor", "0"}).find("--network-factor"), std::string::npos);
  EXPECT_NE(complaint({"--seeds", "0"}).find("--seeds"), std::string::npos);
}

}  // namespace
}  // namespace paceline::test
