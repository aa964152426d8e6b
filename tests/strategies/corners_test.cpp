// Corners in which strategies, servers and phases meet; each once went wrong.
#include <gtest/gtest.h>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

constexpr const char* blobs = "tests/data/scenarios/blobs.json";
const std::string uneven_servers =
    R"(cluster.servers={"count": 3, "service": "100us", "jitter": {"kind": "lognormal", "sigma": 1}})";

std::string strategy(const std::string& text) { return "training.strategy=" + text; }

test::Run sound(const std::vector<std::string>& sets, int threads = 1) {
  test::Run made = run(blobs, sets, threads);
  for (const Check& check : made.results.checks) EXPECT_TRUE(check.holds) << check.name << ": " << check.detail;
  EXPECT_NE(made.results.reason, "deadlock") << made.results.detail;
  return made;
}

TEST(Corners, OnePhaseOnServersFollowsAnother) {
  const std::string server = R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})";
  for (const std::string& second :
       {server, std::string(R"({"kind": "async"})"), std::string(R"({"kind": "k_sync", "k": 2})")})
    for (const std::string& first : {server, std::string(R"({"kind": "async"})")}) {
      SCOPED_TRACE(first + " then " + second);
      sound({strategy(R"({"kind": "switching", "phases": [{"strategy": )" + first +
                      R"(, "until": {"steps": 5}}, {"strategy": )" + second + "}]}")});
    }
}

// With other orders of service every shard picks its own gradients.
TEST(Corners, ShardsMayChooseDifferentGradients) {
  for (const char* kind : {R"({"kind": "k_async", "k": 2})", R"({"kind": "k_batch_async", "k": 3})",
                           R"({"kind": "group_async", "group_size": 2})", R"({"kind": "k_sync", "k": 2})",
                           R"({"kind": "k_batch_sync", "k": 3})", R"({"kind": "rennala", "batch": 3})",
                           R"({"kind": "backup_workers", "backups": 1})"}) {
    SCOPED_TRACE(kind);
    sound({strategy(kind), uneven_servers});
  }
}

TEST(Corners, WhatIsComputedAheadDoesNotShow) {
  for (const char* kind :
       {R"({"kind": "k_batch_async", "k": 2})", R"({"kind": "k_async", "k": 2})", R"({"kind": "rennala", "batch": 3})",
        R"({"kind": "bsp"})", R"({"kind": "k_sync", "k": 2})"}) {
    SCOPED_TRACE(kind);
    EXPECT_EQ(*sound({strategy(kind)}, 1).parameters, *sound({strategy(kind)}, 4).parameters);
  }
}

// Halves that are on the wire belong to the mean: with no learning to speak of it stays where it is.
TEST(Corners, PushSumsMeanHasWhatIsUnderWay) {
  const test::Run made = sound({strategy(R"({"kind": "push_sum"})"), "training.optimizer.learning_rate=1e-9",
                                "training.evaluate.every.steps=1", "training.stop.steps=10"});
  const double first = made.results.curve.front().test_loss.value();
  for (const CurvePoint& point : made.results.curve) EXPECT_NEAR(point.test_loss.value(), first, 1e-5 * first);
}

// Pushes of one worker follow each other, so that on a link which is too slow for them they still arrive.
TEST(Corners, KBatchSyncEndsItsStepsOnASlowLink) {
  const test::Run made = run(blobs, {strategy(R"({"kind": "k_batch_sync", "k": 4})"),
                                     "cluster.topology.bandwidth=10Mbps", "training.stop.steps=5", "numerics=false"});
  const test::Run k_sync = run(blobs, {strategy(R"({"kind": "k_sync", "k": 4})"), "cluster.topology.bandwidth=10Mbps",
                                       "training.stop.steps=5", "numerics=false"});
  EXPECT_EQ(made.results.reason, "steps");
  EXPECT_LT(made.results.simulated_time_s, 1.5 * k_sync.results.simulated_time_s);
}

TEST(Corners, Zero3ChargesWhatEncodingTakes) {
  const auto time = [](const char* sharding) {
    return sound({strategy(fmt::format(R"({{"kind": "bsp", "sharding": "{}"}})", sharding)),
                  R"(training.compression={"kind": "fp16", "time": "10ms"})"})
        .results.simulated_time_s;
  };
  EXPECT_NEAR(time("zero3"), time("zero1"), 0.1 * time("zero1"));
}

TEST(Corners, WhatCannotBeIsRefused) {
  const auto refused = [](std::vector<std::string> sets) {
    try {
      run(blobs, sets);
    } catch (const ConfigError& error) { return std::string(error.what()); }
    return std::string();
  };
  const std::string zero3 = strategy(R"({"kind": "bsp", "sharding": "zero3"})");
  EXPECT_NE(refused({zero3, R"(training.compression={"kind": "random_k", "ratio": 0.1})"}).find("part by part"),
            std::string::npos);
  EXPECT_NE(refused({strategy(R"({"kind": "bsp", "accumulate": 1048576})"), "workload.batch_size=4096"}).find("2^31"),
            std::string::npos);
  EXPECT_NE(refused({strategy(R"({"kind": "async"})"), "cluster.servers.count=2", "training.optimizer.clip=1"})
                .find("whole gradient"),
            std::string::npos);
  EXPECT_NE(
      refused({strategy(R"({"kind": "switching", "phases": [{"strategy": {"kind": "bsp"}, "until": {"steps": 1}}]})")})
          .find("the last"),
      std::string::npos);
  EXPECT_NE(refused({"numerics=false", strategy(R"({"kind": "switching", "phases": [{"strategy": {"kind": "bsp"},
      "until": {"accuracy": 0.5}}, {"strategy": {"kind": "async"}}]})")})
                .find("accuracy"),
            std::string::npos);
}

}  // namespace
}  // namespace paceline::test
