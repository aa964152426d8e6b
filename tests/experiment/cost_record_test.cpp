// A run whose drawn costs are recorded (output.record_cost) and replayed is the same run again, event by event.
#include <gtest/gtest.h>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

struct Recorded {
  const char *name, *scenario;
  std::vector<std::string> assignments;
};
void PrintTo(const Recorded& each, std::ostream* out) { *out << each.name; }

class CostRecords : public ::testing::TestWithParam<Recorded> {};

const std::string star = R"(cluster.topology={"kind": "star", "bandwidth": "1Gbps", "latency": "20us"})";
const std::string jitter = R"(cluster.jitter={"kind": "lognormal", "sigma": 0.4})";

TEST_P(CostRecords, ReplayedAreTheSameRun) {
  std::vector<std::string> first = GetParam().assignments;
  first.insert(first.end(), {"numerics=false", "output.steps=false", jitter});
  std::vector<std::string> again = first;
  const std::string slow = R"({"kind": "slow", "workers": "1", "factor": 1.7, "from": "1ms"})";
  first.insert(
      first.end(),
      {"output.record_cost=true",
       fmt::format(R"(cluster.stragglers=[{}, {{"kind": "spike", "probability": 0.3, "time": "1ms"}}])", slow)});
  const auto recorded = run(GetParam().scenario, first);
  ASSERT_FALSE(recorded.cost.empty());
  again.insert(again.end(), {fmt::format("cluster.stragglers=[{}]", slow), R"(cluster.jitter={"kind": "constant"})",
                             R"(workload.cost={"kind": "replay", "file": )" + recorded.cost + "}"});
  const auto replayed = run(GetParam().scenario, again);
  EXPECT_EQ(replayed.results.fingerprint, recorded.results.fingerprint);
  EXPECT_EQ(replayed.results.simulated_time_s, recorded.results.simulated_time_s);
  EXPECT_EQ(replayed.results.performance.events, recorded.results.performance.events);
  EXPECT_EQ(replayed.results.steps, recorded.results.steps);
}

const char* const timing = "tests/data/scenarios/timing.json";
const std::string device =
    R"(cluster.device={"peak": "1TFLOPS", "efficiency": 0.5, "memory_bandwidth": "10GBps", "launch_overhead": "3us"})";

INSTANTIATE_TEST_SUITE_P(
    Kinds, CostRecords,
    ::testing::Values(
        Recorded{"ring", timing, {star, "workload.cost.gradient=3MB", "training.stop.steps=40"}},
        Recorded{"uneven_batches",
                 timing,
                 {star, "workload.batch_size=[1, 2, 3, 5]", "workload.cost.update=700us", "training.stop.steps=40"}},
        Recorded{"accumulated",
                 timing,
                 {star, R"(training.strategy={"kind": "bsp", "accumulate": 3})", "training.stop.steps=60"}},
        Recorded{"servers",
                 timing,
                 {star, R"(training.strategy={"kind": "bsp", "aggregate": {"kind": "parameter_server"}})",
                  "workload.cost.update=700us", "cluster.servers.count=2", "training.stop.steps=40"}},
        Recorded{"cut_off", timing, {star, R"(training.stop={"time": "123456us"})"}},
        Recorded{"zero3",
                 timing,
                 {star, R"(training.strategy={"kind": "bsp", "sharding": "zero3"})", "workload.cost.gradient=3MB",
                  "workload.cost.update=1ms", "training.stop.steps=20"}},
        Recorded{"roofline",
                 timing,
                 {star, device, R"(workload.model={"kind": "mlp", "hidden": [300, 200]})",
                  R"(workload.cost={"kind": "model"})", "workload.batch_size=7",
                  R"(training.strategy={"kind": "bsp", "aggregate": {"kind": "all_reduce", "bucket": "50kB"}})",
                  "training.stop.steps=40"}},
        Recorded{"local_sgd",
                 timing,
                 {star, R"(training.strategy={"kind": "local_sgd", "period": 4})", "training.stop.steps=40"}}),
    ::testing::PrintToStringParamName());

TEST(CostRecord, HasARowForEveryStepAndColumnForEveryWorker) {
  const auto made = run(
      timing, {"output.record_cost=true", "cluster.workers=2", "training.stop.steps=2", "workload.cost.gradient=1kB",
               R"(cluster.jitter={"kind": "bimodal", "probability": 0, "factor": 2})"});
  EXPECT_EQ(made.cost, R"({
  "unit": "s",
  "durations": [
    [0.003, 0.003],
    [0.003, 0.003]
  ],
  "forward": [
    [0.001, 0.001],
    [0.001, 0.001]
  ],
  "backward": [
    [0.002, 0.002],
    [0.002, 0.002]
  ],
  "batch_sizes": [1, 1],
  "server_update": 0,
  "gradient_bytes": 1000
}
)");
}

// Asynchronous workers begin as many steps as they can; those of the slow one end before.
TEST(CostRecord, OfWorkersThatBeganFewerStepsIsNullAndSaysSo) {
  const std::vector<std::string> async{R"(training.strategy={"kind": "async"})", R"(training.stop={"time": "20ms"})",
                                       R"(cluster.stragglers=[{"kind": "slow", "workers": "1", "factor": 3}])"};
  std::vector<std::string> record = async;
  record.emplace_back("output.record_cost=true");
  const auto made = run(timing, record);
  EXPECT_NE(made.cost.find("[0.003, null, 0.003, 0.003]"), std::string::npos) << made.cost;
  std::vector<std::string> replay = async;
  replay.push_back(R"(workload.cost={"kind": "replay", "file": )" + made.cost + "}");
  EXPECT_EQ(run(timing, replay).results.fingerprint, made.results.fingerprint);
  replay.emplace_back("cluster.stragglers=[]");
  try {
    run(timing, replay);
    FAIL() << "there is no such step";
  } catch (const std::exception& error) {
    EXPECT_NE(describe(error).find("has 3 steps, and worker 1 starts a further one"), std::string::npos)
        << describe(error);
  }
}

}  // namespace
}  // namespace paceline::test
