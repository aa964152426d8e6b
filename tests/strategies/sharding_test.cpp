// Sharded data parallelism against closed forms, and against bsp without it: the same parameters, other bytes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

constexpr double latency = 5e-6, bandwidth = 12.5e9;  // of a path of two links; bytes per second

double half_ring(int n, double bytes) { return (n - 1) * (latency + bytes / n / bandwidth); }

Run sharded(const std::string& scenario, int workers, const std::string& sharding, std::vector<std::string> more) {
  std::vector<std::string> assignments{
      fmt::format("cluster.workers={}", workers), "training.stop={\"steps\": 3}",
      R"(cluster.topology={"kind": "star", "bandwidth": "100Gbps", "latency": "2.5us"})",
      fmt::format(R"(training.strategy={{"kind": "bsp", "sharding": "{}"}})", sharding)};
  assignments.insert(assignments.end(), more.begin(), more.end());
  const Run made = run(scenario, assignments);
  EXPECT_TRUE(made.results.all_hold());
  return made;
}

double step_seconds(int workers, const std::string& sharding, const std::string& aggregate,
                    std::vector<std::string> more = {}) {
  more.push_back("workload.cost.gradient=80MB");
  more.push_back("workload.cost.update=4ms");
  more.push_back("training.strategy.aggregate=" + aggregate);
  return sharded("tests/data/scenarios/timing.json", workers, sharding, more).results.simulated_time_s / 3;
}

// Forward and backward 3 ms, no overlap: reduce-scatter, a share of the update, all-gather.
TEST(Sharding, OfGradientsTakesTheClosedFormOfItsPhases) {
  for (const char* kind : {"zero1", "zero2"})
    for (const int n : {1, 2, 4, 7}) {
      const double expected = 3e-3 + 2 * half_ring(n, 80e6) + 4e-3 / n;
      EXPECT_NEAR(step_seconds(n, kind, R"({"kind": "all_reduce", "bucket": "1GB", "overlap": false})"), expected,
                  1e-9 * expected + 1e-12 * 4 * n)
          << kind << ", " << n;
    }
}

// In one bucket nothing overlaps: gather, forward, gather behind the forward's rest, backward, reduce-scatter, update.
TEST(Sharding, OfParametersGathersThemTwice) {
  for (const int n : {1, 2, 4, 7}) {
    const double gather = half_ring(n, 80e6);
    const double expected = gather + std::max(1e-3, gather) + 2e-3 + gather + 4e-3 / n;
    EXPECT_NEAR(step_seconds(n, "zero3", R"({"kind": "all_reduce", "bucket": "1GB"})"), expected,
                1e-9 * expected + 1e-12 * 6 * n)
        << n;
  }
}

// Where bytes are nearly free, all but the first gather and the last scatter hides behind the computation.
TEST(Sharding, OfParametersOverlapsPartByPart) {
  const double whole = step_seconds(4, "zero3", R"({"kind": "all_reduce", "bucket": "10MB"})",
                                    {R"(cluster.topology={"kind": "star", "bandwidth": "800Gbps", "latency": "0s"})"});
  const Results r = sharded("tests/data/scenarios/timing.json", 4, "zero3",
                            {"workload.cost.gradient=80MB", "workload.cost.update=4ms",
                             R"(training.strategy.aggregate={"kind": "all_reduce", "bucket": "10MB"})"})
                        .results;
  EXPECT_GT(r.overlapped_fraction, 0);
  EXPECT_LE(r.overlapped_fraction, r.fractions[std::size_t(Activity::compute)]);
  const double part = 3.0 / 4 * 10e6 / 100e9;  // a gather, or a scatter, of one of the 8 parts
  EXPECT_NEAR(whole, 3e-3 + 4e-3 / 4 + 2 * part, 1e-9);
}

TEST(Sharding, MovesTwoOrThreeTimesTheBytes) {
  for (const auto& [kind, passes] : {std::pair{"none", 2.0}, {"zero1", 2.0}, {"zero2", 2.0}, {"zero3", 3.0}}) {
    const Results r = sharded("tests/data/scenarios/timing.json", 4, kind, {"workload.cost.gradient=80MB"}).results;
    EXPECT_NEAR(r.bytes_on_wire, 3 * 4 * passes * 3 / 4 * 80e6, 1);
    for (const WorkerResult& worker : r.workers) {
      EXPECT_NEAR(worker.bytes_sent, 3 * passes * 3 / 4 * 80e6, 1);
      EXPECT_NEAR(worker.bytes_received, worker.bytes_sent, 1);
    }
  }
}

TEST(Sharding, ChangesNoValue) {
  const auto none = sharded("tests/data/wrong/scenario.json", 4, "none", {});
  for (const char* kind : {"zero1", "zero2", "zero3"}) {
    const auto made = sharded("tests/data/wrong/scenario.json", 4, kind, {});
    ASSERT_EQ(made.parameters->size(), none.parameters->size());
    for (std::size_t i = 0; i < none.parameters->size(); ++i)  // one sums gradients, the other batches: rounding
      EXPECT_NEAR((*made.parameters)[i], (*none.parameters)[i], 1e-5 * std::max(1.0f, std::abs((*none.parameters)[i])));
    EXPECT_EQ(made.results.samples, none.results.samples) << kind;
  }
}

TEST(Sharding, NeedsACollective) {
  EXPECT_THROW(sharded("tests/data/scenarios/timing.json", 2, "zero1",
                       {R"(training.strategy.aggregate={"kind": "parameter_server"})"}),
               ConfigError);
  EXPECT_THROW(sharded("tests/data/scenarios/timing.json", 2, "zero1",
                       {R"(training.strategy.aggregate={"kind": "all_reduce", "algorithm": "tree"})"}),
               ConfigError);
}

TEST(Sharding, OfParametersOverlapsAlways) {
  EXPECT_THROW(step_seconds(2, "zero3", R"({"kind": "all_reduce", "overlap": false})"), ConfigError);
}

}  // namespace
}  // namespace paceline::test
