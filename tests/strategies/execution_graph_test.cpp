// Execution graphs reckoned by hand, against bsp, and what cannot come to its end. On a star a message of S kB takes 10
// us + S us.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

std::string scenario(const std::string& graph, int workers) {
  return fmt::format(R"({{
    "numerics": false,
    "cluster": {{ "workers": {}, "topology": {{ "kind": "star", "bandwidth": "1GBps", "latency": "5us" }} }},
    "workload": {{
      "model": {{ "kind": "softmax_regression" }}, "batch_size": 8,
      "dataset": {{ "kind": "blobs", "train_rows": 1000, "test_rows": 100 }},
      "cost": {{ "kind": "fixed", "forward": "7ms", "backward": "8ms", "update": "9ms", "gradient": "1GB" }}
    }},
    "training": {{ "strategy": {{ "kind": "execution_graph", "graph": {{ "ranks": {} }}, "algorithm": "ring" }},
                   "optimizer": {{ "kind": "sgd", "learning_rate": 0.1 }}, "stop": {{ "steps": 1 }} }} }})",
                     workers, graph);
}

Results ran(const std::string& graph, int workers, const std::vector<std::string>& assignments = {}) {
  const Results results = run(scenario(graph, workers), assignments).results;
  for (const Check& check : results.checks) EXPECT_TRUE(check.holds) << check.name << ": " << check.detail;
  return results;
}

void expect_refused(const std::string& graph, int workers, const std::string& message) {
  try {
    run(scenario(graph, workers));
    ADD_FAILURE() << "it ran";
  } catch (const ConfigError& error) { EXPECT_EQ(error.what(), message); }
}

double microseconds(const Results& results) { return results.simulated_time_s * 1e6; }

// What a worker's time went to, in microseconds: compute, communication, wait.
std::array<double, 3> spent(const Results& results, std::size_t worker) {
  const auto& seconds = results.workers.at(worker).seconds;
  return {1e6 * seconds[0], 1e6 * seconds[1], 1e6 * seconds[2]};
}
void expect_spent(const Results& results, std::size_t worker, const std::array<double, 3>& expected) {
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(spent(results, worker)[i], expected[i], 1e-6) << worker << " " << i;
}

const std::string two_in_a_row = R"([{"nodes": [{"id": 3, "compute": "5us"},
                                               {"id": 1, "send": 1, "bytes": "2kB", "after": [3]}]},
                                     {"nodes": [{"id": 2, "compute": "3us", "after": [9]},
                                               {"id": 9, "receive": 0, "bytes": "2kB"}]}])";

TEST(ExecutionGraph, TakesTheTimeOfItsLongestChain) {
  const Results made = ran(two_in_a_row, 2);
  EXPECT_NEAR(microseconds(made), 5 + 12 + 3, 1e-6);
  expect_spent(made, 0, {5, 12, 3});  // it waits for the other's end
  expect_spent(made, 1, {3, 12, 5});
  ASSERT_EQ(made.waits.size(), 2u);
  EXPECT_EQ(made.waits[0].on, 1);
  EXPECT_EQ(made.waits[1].on, 0);
  EXPECT_NEAR(made.critical_path.seconds[0], 8e-6, 1e-12);
  EXPECT_NEAR(made.critical_path.seconds[1], 12e-6, 1e-12);
  EXPECT_EQ(made.critical_path.seconds[2], 0);
  EXPECT_EQ(made.bytes_on_wire, 2000);
  EXPECT_EQ(made.workers[0].bytes_sent, 2000);
  EXPECT_EQ(made.workers[1].bytes_received, 2000);
  EXPECT_NEAR(microseconds(ran(two_in_a_row, 2, {"training.stop.steps=7"})), 7 * 20, 1e-6);
}

TEST(ExecutionGraph, SlowsDownWithItsDevices) {
  EXPECT_NEAR(
      microseconds(ran(two_in_a_row, 2, {R"(cluster.stragglers=[{"kind": "slow", "workers": "0", "factor": 4}])"})),
      20 + 12 + 3, 1e-6);
  const Results drawn = ran(two_in_a_row, 2, {R"(cluster.jitter={"kind": "uniform", "width": 0.5})"});
  const double first = spent(drawn, 0)[0], second = spent(drawn, 1)[0];
  EXPECT_NE(first, 5);
  EXPECT_NE(first / 5, second / 3);
  EXPECT_NEAR(microseconds(drawn), first + 12 + second, 1e-5);
}

// Free to begin: 0 and 1 at 0; 2 at 4 us; 3 at 10 us. So they are done in this order, and 3 ends last, at 19 us.
TEST(ExecutionGraph, ADeviceDoesOneComputeAtATimeInTheOrderOfBecomingFree) {
  const Results made = ran(R"([{"nodes": [{"id": 0, "compute": "4us"}, {"id": 1, "compute": "6us"},
                                          {"id": 2, "compute": "8us", "after": [0]},
                                          {"id": 3, "compute": "1us", "after": [1]},
                                          {"id": 4, "send": 1, "bytes": "0B", "after": [3]}]},
                               {"nodes": [{"id": 0, "receive": 0, "bytes": "0B"},
                                          {"id": 1, "compute": "20us", "after": [0]}]}])",
                           2);
  EXPECT_NEAR(microseconds(made), 19 + 10 + 20, 1e-6);
}

TEST(ExecutionGraph, ComputesWhileMessagesAreUnderWay) {
  const std::string graph = R"([{"nodes": [{"id": 0, "compute": "5us"}, {"id": 1, "compute": "8us", "after": [0]},
                                           {"id": 2, "send": 1, "bytes": "2kB", "after": [0]}]},
                                {"nodes": [{"id": 0, "receive": 0, "bytes": "2kB"}]}])";
  const Results made = ran(graph, 2);
  EXPECT_NEAR(microseconds(made), 17, 1e-6);
  expect_spent(made, 0, {13, 4, 0});
  EXPECT_NEAR(made.overlapped_fraction, 8.0 / (2 * 17), 1e-9);
  // In 12 us at half the speed 6 of the 8 us are done.
  EXPECT_NEAR(microseconds(ran(graph, 2, {"cluster.communication_slowdown=2"})), 17 + 2, 1e-6);
}

TEST(ExecutionGraph, AMessageThatIsThereAlreadyIsNotWaitedFor) {
  const Results made = ran(R"([{"nodes": [{"id": 0, "send": 1, "bytes": "1kB"}]},
                               {"nodes": [{"id": 0, "compute": "50us"}, {"id": 1, "receive": 0, "bytes": "1kB", "after": [0]},
                                          {"id": 2, "compute": "1us", "after": [1]}]}])",
                           2);
  EXPECT_NEAR(microseconds(made), 51, 1e-6);
  expect_spent(made, 0, {0, 11, 40});
  expect_spent(made, 1, {51, 0, 0});
}

// Bytes of one connection follow each other: 10 + 1 and 10 + 2 us. Tags tell which is which.
TEST(ExecutionGraph, TagsTellMessagesApart) {
  const Results made = ran(R"([{"nodes": [{"id": 0, "send": 1, "bytes": "1kB", "tag": 5},
                                          {"id": 1, "send": 1, "bytes": "1kB", "tag": -7}]},
                               {"nodes": [{"id": 0, "receive": 0, "bytes": "1kB", "tag": -7},
                                          {"id": 1, "receive": 0, "bytes": "1kB", "tag": 5},
                                          {"id": 2, "compute": "7us", "after": [1]}]}])",
                           2);
  EXPECT_NEAR(microseconds(made), 11 + 7, 1e-6);
}

// Rank 0 computes for 30 us, but what leads to the end goes past that: a message in, and one back.
TEST(ExecutionGraph, TheCriticalPathGoesByWhatLedThere) {
  const Results made = ran(R"([{"nodes": [{"id": 0, "compute": "30us"}, {"id": 1, "receive": 1, "bytes": "1kB"},
                                          {"id": 2, "send": 1, "bytes": "1kB", "after": [1]}]},
                               {"nodes": [{"id": 0, "compute": "10us"},
                                          {"id": 1, "send": 0, "bytes": "1kB", "after": [0]},
                                          {"id": 2, "receive": 0, "bytes": "1kB"},
                                          {"id": 3, "compute": "40us", "after": [2]}]}])",
                           2);
  EXPECT_NEAR(microseconds(made), 10 + 11 + 11 + 40, 1e-6);
  EXPECT_NEAR(made.critical_path.seconds[0], 50e-6, 1e-12);
  EXPECT_NEAR(made.critical_path.seconds[1], 22e-6, 1e-12);
  ASSERT_EQ(made.critical_path.workers.size(), 1u);
  EXPECT_EQ(made.critical_path.workers[0].worker, 1);
}

// A ring of two sends S/2 twice: 2 (10 us + S/2). Collectives of the same ranks follow each other, others do not.
TEST(ExecutionGraph, CollectivesOfTheSameRanksFollowOneAnother) {
  const auto both = [](const std::string& second) {
    return fmt::format(
        R"([{{"nodes": [{{"id": 0, "collective": "all_reduce", "bytes": "4kB", "ranks": [0, 1]}},
                                       {{"id": 1, "collective": "all_gather", "bytes": "8kB", "ranks": {0}}}]}},
                           {{"nodes": [{{"id": 0, "collective": "all_reduce", "bytes": "4kB", "ranks": [1, 0]}}{1}]}},
                           {{"nodes": [{2}]}}])",
        second, second == "[0, 1]" ? R"(, {"id": 7, "collective": "all_gather", "bytes": "8kB", "ranks": [0, 1]})" : "",
        second == "[0, 1]" ? "" : R"({"id": 7, "collective": "all_gather", "bytes": "8kB", "ranks": [0, 2]})");
  };
  EXPECT_NEAR(microseconds(ran(both("[0, 1]"), 3)), 2 * (10 + 2) + (10 + 4), 1e-6);
  // On one link out of rank 0 half of the rate each: all_gather's 4 kB beside all_reduce's 2 kB.
  EXPECT_LT(microseconds(ran(both("[0, 2]"), 3)), 2 * (10 + 2) + (10 + 4) - 5);
}

TEST(ExecutionGraph, ComputesWithoutATimeAreReckonedOnTheDevice) {
  const std::string graph = R"([{"nodes": [{"id": 0, "flops": 2e9, "bytes": "1MB"},
                                           {"id": 1, "flops": 0, "bytes": "4GB", "after": [0]}]}])";
  const std::string device =
      R"(cluster.device={"peak": "1TFLOPS", "efficiency": 0.5, "memory_bandwidth": "1000GBps", "launch_overhead": "3us"})";
  EXPECT_NEAR(microseconds(ran(graph, 3, {device})), 4000 + 4000 + 6, 1e-6);
  expect_refused(graph, 3,
                 "/cluster/device: missing: node 0 of rank 0 of the graph is reckoned from it, as in {\"peak\": "
                 "\"15.7TFLOPS\", \"memory_bandwidth\": \"900GBps\"}");
}

TEST(ExecutionGraph, ItsCollectivesMustSuitTheAlgorithm) {
  expect_refused(R"([{"nodes": [{"id": 1, "collective": "all_to_all", "bytes": "1kB"}]}])", 4,
                 "/training/strategy/algorithm: ring cannot do all_to_all: it does all_reduce, reduce_scatter and "
                 "all_gather");
}

// A step of nothing ends at once, and time would stand still.
TEST(ExecutionGraph, ThatTakesNoTimeIsCutOff) {
  Spec spec =
      parse(scenario(R"([{"nodes": [{"id": 1}, {"id": 2, "after": [1]}]}])", 2), {R"(training.stop={"time": "1s"})"});
  spec.most_at_once = 1000;
  Threads threads(1);
  Experiment experiment(spec, threads);
  EXPECT_THROW(experiment.run(), ProcessFailed);
}

// The same collectives after the same computing: with the same draws, at the same times.
TEST(ExecutionGraph, OfComputesAndAllReducesIsBsp) {
  const auto graph = [](const std::string& nodes) {
    return fmt::format(
        R"(training.strategy={{"kind": "execution_graph", "algorithm": "ring", "graph": {{"ranks": [{{"nodes": [{}]}}]}}}})",
        nodes);
  };
  const std::string after = graph(R"({"id": 0, "compute": "300us"},
                                     {"id": 1, "collective": "all_reduce", "bytes": "1MB", "after": [0]})");
  const std::string overlapping = graph(R"({"id": 0, "compute": "100us"},
      {"id": 1, "compute": "50us", "after": [0]}, {"id": 2, "collective": "all_reduce", "bytes": "250kB", "after": [1]},
      {"id": 3, "compute": "50us", "after": [1]}, {"id": 4, "collective": "all_reduce", "bytes": "250kB", "after": [3]},
      {"id": 5, "compute": "50us", "after": [3]}, {"id": 6, "collective": "all_reduce", "bytes": "250kB", "after": [5]},
      {"id": 7, "compute": "50us", "after": [5]}, {"id": 8, "collective": "all_reduce", "bytes": "250kB", "after": [7]})");
  const std::string costs =
      R"(workload.cost={"kind": "fixed", "forward": "100us", "backward": "200us", "update": "0s", "gradient": "1MB"})";
  const auto bsp = [](const char* keys) {
    return fmt::format(R"(training.strategy={{"kind": "bsp", "aggregate": {{"kind": "all_reduce", {}}}}})", keys);
  };
  const std::pair<std::string, std::string> same[] = {{after, bsp(R"("overlap": false, "bucket": "1GB")")},
                                                      {overlapping, bsp(R"("bucket": "250kB")")}};
  const std::vector<std::string> alike{"cluster.stragglers=[]", R"(cluster.jitter={"kind": "constant"})"};
  for (const auto& [one, other] : same)
    for (const int steps : {1, 40}) {
      // Under bsp a worker begins the next step as soon as the all-reduce is over for itself; here all wait for the
      // last. Those are the same where workers are alike.
      std::vector<std::string> rest = steps == 1 ? std::vector<std::string>{} : alike;
      rest.insert(rest.begin(), {costs, fmt::format("training.stop.steps={}", steps)});
      std::vector<std::string> graphs{one}, plain{other};
      graphs.insert(graphs.end(), rest.begin(), rest.end());
      plain.insert(plain.end(), rest.begin(), rest.end());
      const test::Run made = run("tests/data/scenarios/blobs.json", graphs),
                      expected = run("tests/data/scenarios/blobs.json", plain);
      for (const Check& check : made.results.checks) EXPECT_TRUE(check.holds) << check.name << ": " << check.detail;
      // A piece of computing is rounded to a picosecond, four or five of them in a step.
      const double ticks = steps * 5 * 1e-12;
      EXPECT_NEAR(made.results.simulated_time_s, expected.results.simulated_time_s, ticks);
      EXPECT_EQ(made.results.bytes_on_wire, expected.results.bytes_on_wire);
      EXPECT_NEAR(made.results.overlapped_fraction, expected.results.overlapped_fraction, 1e-7);
      for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_NEAR(made.results.critical_path.seconds[i], expected.results.critical_path.seconds[i], ticks);
        EXPECT_NEAR(made.results.fractions[i], expected.results.fractions[i], 1e-7);
      }
      // The same sums in another order: see limits_test.cpp.
      double apart = 0, size = 0;
      for (std::size_t i = 0; i < made.parameters->size(); ++i) {
        apart += std::pow(double((*made.parameters)[i]) - double((*expected.parameters)[i]), 2);
        size += std::pow(double((*expected.parameters)[i]), 2);
      }
      EXPECT_LE(std::sqrt(apart / size), 4e-6);
    }
}

// A link that is down for ever: who waits for what.
TEST(ExecutionGraph, SaysWhereItIsStuck) {
  const Results stuck =
      run(scenario(two_in_a_row, 2), {R"(cluster.link_events=[{"kind": "down", "link": "n0 -> switch", "at": "1us"}])"})
          .results;
  EXPECT_EQ(stuck.reason, "deadlock");
  EXPECT_NE(stuck.detail.find("worker 1 waits for 'computes of the graph of worker 1' to reach 1 (now 0), and for "
                              "'nodes of the graph of worker 1' to reach 2 (now 0)"),
            std::string::npos)
      << stuck.detail;
}

}  // namespace
}  // namespace paceline::test
