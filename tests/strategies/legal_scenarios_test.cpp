// Legal scenarios off the beaten track: every self-check holds, and what must not matter does not.
#include <gtest/gtest.h>

#include "sim/comm/collective.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

std::string scenario(const std::string& strategy, const std::string& topology = R"({"kind": "ideal"})") {
  return fmt::format(R"({{
    "numerics": false,
    "cluster": {{ "workers": 4, "topology": {} }},
    "workload": {{
      "model": {{ "kind": "softmax_regression" }}, "batch_size": 250,
      "dataset": {{ "kind": "blobs", "features": 2, "classes": 2, "train_rows": 10000, "test_rows": 1, "spread": 1 }},
      "cost": {{ "kind": "fixed", "forward": "5ms", "backward": "5ms", "update": "0s", "gradient": "1MB" }}
    }},
    "training": {{ "strategy": {}, "optimizer": {{ "kind": "sgd", "learning_rate": 0.1 }}, "stop": {{ "steps": 10 }} }} }})",
                     topology, strategy);
}
const std::string star = R"({"kind": "star", "bandwidth": "1Gbps", "latency": "20us"})";
const char* const strategies_of_all_kinds[] = {
    R"({"kind": "bsp"})", R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})", R"({"kind": "async"})",
    R"({"kind": "ssp", "staleness": 1})", R"({"kind": "local_sgd", "period": 3})"};

TEST(LegalScenarios, HoldTheirChecksOnLinksOfMixedSpeed) {
  const std::string oversubscribed =
      R"({"kind": "leaf_spine", "leaves": 2, "nodes_per_leaf": 4, "spines": 1, "node_link": {"bandwidth": "100Gbps", "latency": "1us"},
          "uplink": {"bandwidth": "10Gbps", "latency": "1us"}})";
  for (const char* strategy : strategies_of_all_kinds) {
    const Results results =
        run(scenario(strategy, oversubscribed), {"cluster.workers=7", "workload.cost.gradient=100MB"}).results;
    for (const Check& check : results.checks)
      EXPECT_TRUE(check.holds) << strategy << ": " << check.name << ": " << check.detail;
  }
}

TEST(LegalScenarios, HoldTheirChecksWhereverTimeCutsThemOff) {
  for (const char* strategy : strategies_of_all_kinds) {
    for (int microseconds : {1, 4999, 15000, 50000, 51234, 77777}) {
      const Results results =
          run(scenario(strategy, star),
              {fmt::format("training.stop={{\"time\": \"{}us\"}}", microseconds), "workload.cost.update=10ms",
               R"(cluster.stragglers=[{"kind": "slow", "workers": "3", "factor": 3}])"})
              .results;
      for (const Check& check : results.checks)
        EXPECT_TRUE(check.holds) << strategy << " at " << microseconds << " us: " << check.name << ": " << check.detail;
      EXPECT_DOUBLE_EQ(results.simulated_time_s, microseconds / 1e6);
    }
  }
}

// Every algorithm at every fidelity, sharded or not, behind a straggler, to the end and cut off on the way.
TEST(LegalScenarios, HoldTheirChecksWithEveryCollective) {
  for (const std::string& algorithm : collectives::all().kinds())
    for (const char* sharding : {"none", "zero1", "zero3"})
      for (const char* fidelity : {"fluid", "fused", "analytic"})
        for (const char* stop : {R"({"steps": 3})", R"({"time": "17ms"})", R"({"time": "23456us"})"}) {
          if (algorithm == "custom") continue;
          const std::string strategy = fmt::format(
              R"({{"kind": "bsp", "sharding": "{}", "aggregate": {{"kind": "all_reduce", "bucket": "300kB", "algorithm": "{}"}}}})",
              sharding, algorithm);
          SCOPED_TRACE(fmt::format("{} {} {} until {}", algorithm, sharding, fidelity, stop));
          try {
            const Results results =
                run(scenario(strategy, star),
                    {std::string("training.stop=") + stop, std::string("cluster.network.fidelity=") + fidelity,
                     R"(cluster.stragglers=[{"kind": "slow", "workers": "3", "factor": 1.7}])"})
                    .results;
            for (const Check& check : results.checks) EXPECT_TRUE(check.holds) << check.name << ": " << check.detail;
          } catch (const ConfigError& refused) {
            EXPECT_NE(std::string(refused.what()).find("cannot do"), std::string::npos) << refused.what();
          }
        }
}

TEST(LegalScenarios, ATimeBoundIncludesTheUpdatesOfItsInstant) {
  for (const char* strategy : strategies_of_all_kinds)
    EXPECT_EQ(run(scenario(strategy), {R"(training.stop={"time": "100ms"})"}).results.steps, 10) << strategy;
}

TEST(LegalScenarios, EvaluatingMovesNoEvent) {
  for (const char* strategy : strategies_of_all_kinds) {
    const std::vector<std::string> base{R"(cluster.jitter={"kind": "lognormal", "sigma": 0.3})",
                                        "workload.cost.gradient=1234567B", "training.stop.steps=50"};
    std::vector<std::string> often = base;
    often.emplace_back("training.evaluate.every.steps=1");
    EXPECT_EQ(run(scenario(strategy, star), base).results.fingerprint,
              run(scenario(strategy, star), often).results.fingerprint)
        << strategy;
  }
}

TEST(LegalScenarios, ATableOfAsManyRowsAsStepsIsEnoughForSynchronousOnes) {
  const std::vector<std::string> table{
      R"(workload.cost={"kind": "replay", "file": {"unit": "ms", "durations": [[1,2,3,4],[4,3,2,1]]}, "update": "1ms"})",
      "training.stop.steps=2"};
  EXPECT_EQ(run(scenario(strategies_of_all_kinds[0], star), table).results.steps, 2);
  EXPECT_EQ(run(scenario(strategies_of_all_kinds[1], star), table).results.steps, 2);
}

TEST(LegalScenarios, EvaluateAtEveryTenthOfAnEpochAsAsked) {
  const Results results = run(scenario(strategies_of_all_kinds[0]), {"training.evaluate.every.epochs=0.1"}).results;
  ASSERT_EQ(results.curve.size(), 10u);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_NEAR(results.curve[i].epoch, 0.1 * double(i + 1), 1e-12);
}

TEST(LegalScenarios, SeveralServersShareTheUpdate) {
  const char* const async = strategies_of_all_kinds[2];
  const double one = run(scenario(async), {"cluster.workers=1", "workload.cost.update=10ms"}).results.simulated_time_s;
  const double four =
      run(scenario(async), {"cluster.workers=1", "workload.cost.update=10ms", "cluster.servers.count=4"})
          .results.simulated_time_s;
  EXPECT_NEAR(one, 10 * 0.020, 1e-12);
  EXPECT_NEAR(four, 10 * 0.0125, 1e-12);
}

TEST(LegalScenarios, AServersOwnUpdateIsQueueForAll) {
  const auto made = run(scenario(strategies_of_all_kinds[1]), {"workload.cost.update=10ms"});
  for (const WorkerResult& worker : made.results.workers) {
    EXPECT_NEAR(worker.seconds[std::size_t(Activity::queue)], 0.1, 1e-12) << worker.worker;
    EXPECT_EQ(worker.seconds[std::size_t(Activity::wait)], 0) << worker.worker;
  }
}

TEST(LegalScenarios, AColocatedServersOwnWorkerSendsNothing) {
  const Results results = run(scenario(strategies_of_all_kinds[2], star),
                              {"cluster.workers=1", R"(cluster.servers={"placement": "colocated"})"})
                              .results;
  EXPECT_EQ(results.bytes_on_wire, 0);
  EXPECT_EQ(results.workers[0].bytes_sent, 0);
}

TEST(LegalScenarios, CostNothingAndStillTakeTurns) {
  const Results results =
      run(scenario(strategies_of_all_kinds[2]),
          {R"(workload.cost={"kind": "fixed", "forward": "0s", "backward": "0s", "update": "0s", "gradient": "0B"})"})
          .results;
  for (const WorkerResult& worker : results.workers) EXPECT_EQ(worker.steps, 10);
}

}  // namespace
}  // namespace paceline::test
