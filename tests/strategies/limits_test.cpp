// Limit cases: one worker is serial SGD under every strategy, and a strategy at the edge of its keys is another one. On
// small blobs; where the same is said to happen at the same times, nothing takes a server's time but its turn, for an
// update that is one gradient's has that gradient's jitter, and one of several has none.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "sim/strategies/strategy.hpp"
#include "tests/support/run.hpp"
#include "tests/support/strategies.hpp"

namespace paceline::test {
namespace {

// Rows of 20 numbers through 16 units, up to 64 rows: sums of about 100 terms, √100·2⁻²⁴ = 6e-7 of each step's
// gradient, and 80 updates rounded, with twice as many sums where parameters are averaged or subtracted: √(4·80)·2⁻²⁴
// = 1.1e-6. Twice their sum.
constexpr double rounding = 4e-6;
constexpr const char* plain_sgd = R"(training.optimizer={"kind": "sgd", "learning_rate": 0.05})";

Run trained(const std::string& strategy, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {plain_sgd, "training.strategy=" + strategy});
  Run made = run("tests/data/scenarios/blobs.json", more);
  for (const Check& check : made.results.checks) EXPECT_TRUE(check.holds) << check.name << ": " << check.detail;
  return made;
}

// Of the batches that came to something.
std::vector<double> losses(const Run& made, int worker) {
  std::vector<double> all;
  for (const auto& row : made.rows)
    if (row.at("worker") == std::to_string(worker) && !row.at("train_loss").empty())
      all.push_back(std::stod(row.at("train_loss")));
  return all;
}

double distance(const Values& a, const Values& b) {
  double apart = 0, square = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    apart += std::pow(double(a.at(i)) - double(b.at(i)), 2);
    square += std::pow(double(a[i]), 2);
  }
  return std::sqrt(apart / square);
}

TEST(Strategies, AreAllInTheTableOfTests) {
  std::set<std::string> tested;
  for (const StrategyCase& each : all_strategies()) tested.insert(each.kind());
  for (const std::string& kind : strategies::all().kinds())
    EXPECT_TRUE(tested.contains(kind)) << kind << " is not in tests/support/strategies.cpp";
  EXPECT_EQ(tested.size(), strategies::all().kinds().size());
}

class Alone : public ::testing::TestWithParam<StrategyCase> {};

// A worker of k_batch_sync has begun another batch at the same parameters when the new ones come, at the same instant;
// that one is lost. So all batches are the same one here: the whole training set.
TEST_P(Alone, IsSerialSgd) {
  const bool whole = GetParam().kind() == "k_batch_sync";
  const std::vector<std::string> alone{"cluster.workers=1",
                                       "cluster.stragglers=[]",
                                       "workload.order.kind=sequential",
                                       "cluster.topology={\"kind\": \"ideal\"}",
                                       fmt::format("workload.batch_size={}", whole ? 64 : 8),
                                       fmt::format("workload.dataset.train_rows={}", whole ? 64 : 1000),
                                       "training.stop={\"steps\": 40}"};
  const auto serial = trained(R"({"kind": "bsp"})", alone), made = trained(GetParam().alone, alone);
  const auto expected = losses(serial, 0), own = losses(made, 0);
  ASSERT_EQ(expected.size(), 40u);
  ASSERT_EQ(own.size(), 40u);
  for (std::size_t t = 0; t < 40; ++t) EXPECT_NEAR(own[t], expected[t], rounding * expected[t]) << "step " << t;
  EXPECT_EQ(made.results.reason, "steps");
  EXPECT_EQ(made.results.staleness.max, 0);
  EXPECT_EQ(made.results.samples, serial.results.samples);
  if (GetParam().kind() == "easgd") return;  // evaluates the centre, which without elasticity stays where it was
  EXPECT_LE(distance(*serial.parameters, *made.parameters), rounding);
}

INSTANTIATE_TEST_SUITE_P(Strategies, Alone, ::testing::ValuesIn(all_strategies()),
                         [](const auto& suite) { return suite.param.name; });

enum class Alike { to_rounding, bit_by_bit, event_by_event };

struct Limit {
  std::string name, one, other;
  Alike alike = Alike::event_by_event;
  std::vector<std::string> more{};
};
void PrintTo(const Limit& each, std::ostream* out) { *out << each.name; }

class Limits : public ::testing::TestWithParam<Limit> {};

TEST_P(Limits, AreTheSameTraining) {
  const auto& [name, one, other, alike, more] = GetParam();
  std::vector<std::string> assignments{"workload.cost.update=0s"};
  assignments.insert(assignments.end(), more.begin(), more.end());
  const auto a = trained(one, assignments), b = trained(other, assignments);
  EXPECT_EQ(a.results.samples, b.results.samples);
  EXPECT_NE(*a.parameters, *run("tests/data/scenarios/blobs.json", {"training.stop={\"time\": \"1ns\"}"}).parameters);
  if (alike == Alike::to_rounding) {
    EXPECT_LE(distance(*a.parameters, *b.parameters), rounding);
    for (int w = 0; w < 4; ++w) {
      const auto expected = losses(a, w), own = losses(b, w);
      ASSERT_EQ(own.size(), expected.size()) << "worker " << w;
      for (std::size_t t = 0; t < own.size(); ++t)
        EXPECT_NEAR(own[t], expected[t], rounding * expected[t]) << "worker " << w << ", step " << t;
    }
    return;
  }
  EXPECT_EQ(*a.parameters, *b.parameters);
  EXPECT_EQ(a.results.updates, b.results.updates);
  if (alike == Alike::bit_by_bit) return;
  EXPECT_EQ(a.results.simulated_time_s, b.results.simulated_time_s);
  EXPECT_EQ(a.results.bytes_on_wire, b.results.bytes_on_wire);
  EXPECT_EQ(a.results.fingerprint, b.results.fingerprint);
  EXPECT_EQ(a.rows, b.rows);
}

const std::string async = R"({"kind": "async"})";
const std::string bsp = R"({"kind": "bsp"})";
const std::string over_servers = R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})";
const std::string local_sgd = R"({"kind": "local_sgd", "period": 4})";

INSTANTIATE_TEST_SUITE_P(
    Edges, Limits,
    ::testing::Values(
        Limit{"k_async_of_one_is_async", R"({"kind": "k_async", "k": 1})", async},
        Limit{"k_batch_async_of_one_is_async", R"({"kind": "k_batch_async", "k": 1})", async},
        Limit{"ringmaster_without_a_bound_is_async", R"({"kind": "ringmaster", "delay_threshold": 1000000})", async},
        Limit{"ssp_without_a_bound_is_async", R"({"kind": "ssp", "staleness": 1000000})", async},
        Limit{"dc_asgd_without_a_correction_is_async", R"({"kind": "dc_asgd", "lambda": 0})", async},
        Limit{"groups_of_one_are_async", R"({"kind": "group_async", "group_size": 1})", async},
        Limit{"fedbuff_of_one_step_is_async", R"({"kind": "fedbuff", "buffer": 1})", async, Alike::to_rounding},
        Limit{"no_backup_workers_is_bsp", R"({"kind": "backup_workers", "backups": 0})", over_servers,
              Alike::bit_by_bit},
        Limit{"no_backup_workers_to_cancel_is_bsp", R"({"kind": "backup_workers", "backups": 0, "cancel": true})",
              over_servers, Alike::bit_by_bit},
        Limit{"k_sync_of_all_is_bsp", R"({"kind": "k_sync", "k": 4})", over_servers, Alike::bit_by_bit},
        Limit{"one_group_is_bsp",
              R"({"kind": "group_async", "group_size": 4})",
              over_servers,
              Alike::to_rounding,
              {"training.stop={\"updates\": 40}"}},
        Limit{"local_sgd_of_period_one_is_bsp", R"({"kind": "local_sgd", "period": 1})", bsp, Alike::to_rounding},
        Limit{"local_sgd_that_warms_up_is_bsp", R"({"kind": "local_sgd", "period": 100, "warmup_steps": 40})", bsp,
              Alike::to_rounding},
        Limit{"diloco_with_a_plain_outer_step_is_local_sgd",
              R"({"kind": "diloco", "period": 4, "outer_learning_rate": 1, "outer_momentum": 0})", local_sgd,
              Alike::to_rounding},
        Limit{"two_equal_levels_are_local_sgd",
              R"({"kind": "hierarchical_local_sgd", "group_size": 2, "inner_period": 4, "outer_period": 4})",
              local_sgd},
        Limit{"one_group_on_two_levels_is_local_sgd",
              R"({"kind": "hierarchical_local_sgd", "group_size": 4, "inner_period": 4, "outer_period": 4})",
              local_sgd},
        Limit{"groups_of_one_on_two_levels_are_local_sgd",
              R"({"kind": "hierarchical_local_sgd", "group_size": 1, "inner_period": 1, "outer_period": 4})",
              local_sgd},
        Limit{"one_phase_of_bsp_is_bsp", R"({"kind": "switching", "phases": [{"strategy": {"kind": "bsp"}}]})", bsp},
        Limit{"one_phase_of_async_is_async", R"({"kind": "switching", "phases": [{"strategy": {"kind": "async"}}]})",
              async},
        Limit{"one_phase_of_k_sync_is_k_sync",
              R"({"kind": "switching", "phases": [{"strategy": {"kind": "k_sync", "k": 2}}]})",
              R"({"kind": "k_sync", "k": 2})",
              Alike::event_by_event,
              {"training.stop={\"updates\": 40}"}},
        Limit{"one_phase_of_local_sgd_is_local_sgd",
              R"({"kind": "switching", "phases": [{"strategy": {"kind": "local_sgd", "period": 4}}]})", local_sgd}),
    [](const auto& suite) { return suite.param.name; });

// All entries are sent, as they are, or on a grid of ‖g‖/s with s = 2³⁰: below float32's own.
TEST(CompressionLimits, ThatLoseNothingAreNoCompression) {
  for (const std::string& strategy : {bsp, over_servers, async})
    for (const char* compression : {R"({"kind": "top_k", "ratio": 1})", R"({"kind": "random_k", "ratio": 1})",
                                    R"({"kind": "qsgd", "levels": 1073741824})"}) {
      SCOPED_TRACE(fmt::format("{} {}", strategy, compression));
      const std::vector<std::string> ideal{R"(cluster.topology={"kind": "ideal"})"};
      std::vector<std::string> compressed = ideal;
      compressed.push_back(std::string("training.compression=") + compression);
      const auto a = trained(strategy, ideal), b = trained(strategy, compressed);
      EXPECT_LE(distance(*a.parameters, *b.parameters), rounding);
      EXPECT_EQ(a.results.simulated_time_s, b.results.simulated_time_s);
      if (strategy == bsp) continue;  // with all-gathers in place of all-reduces
      EXPECT_EQ(a.results.fingerprint, b.results.fingerprint);
    }
}

// Batch k of 2 b rows is batches 2k and 2k + 1 of b rows: one worker takes them one after the other.
TEST(BspLimits, AccumulatedBatchesAreOneLargeBatch) {
  const auto alone = [](int batch, int accumulate) {
    return trained(fmt::format(R"({{"kind": "bsp", "accumulate": {}}})", accumulate),
                   {"cluster.workers=1", "cluster.stragglers=[]", fmt::format("workload.batch_size={}", batch)});
  };
  for (const int k : {2, 4}) {
    const auto large = alone(8 * k, 1), small = alone(8, k);
    EXPECT_LE(distance(*large.parameters, *small.parameters), rounding);
    EXPECT_EQ(large.results.samples, small.results.samples);
    EXPECT_EQ(small.results.steps, 40);
  }
}

// Without elasticity nobody hears of the others: what each does is what it does when they never average.
TEST(EasgdLimits, WithoutElasticityWorkersAreIndependent) {
  for (const char* synchronous : {"false", "true"}) {
    const auto apart =
        trained(fmt::format(R"({{"kind": "easgd", "period": 3, "rho": 0, "synchronous": {}}})", synchronous));
    const auto local = trained(R"({"kind": "local_sgd", "period": 1000000})");
    for (int w = 0; w < 4; ++w) {
      const auto own = losses(apart, w), other = losses(local, w);
      ASSERT_GE(own.size(), 10u);
      for (std::size_t t = 0; t < std::min(own.size(), other.size()); ++t) EXPECT_EQ(own[t], other[t]) << t;
    }
    EXPECT_EQ(*apart.parameters,
              *run("tests/data/scenarios/blobs.json", {"training.stop={\"time\": \"1ns\"}"}).parameters);
  }
}

// Its period follows the loss. A rate of 1e-30 leaves the loss as it is when every worker always has the same rows, and
// without numerics there is none. (The mean of 32 equal parameters is a rounding off, though.)
TEST(AdaCommLimits, AConstantLossIsLocalSgd) {
  for (const char* numerics : {"true", "false"}) {
    const std::vector<std::string> constant{"cluster.workers=32",
                                            "workload.order.kind=sequential",
                                            "workload.dataset.train_rows=256",
                                            std::string("numerics=") + numerics,
                                            R"(training.optimizer={"kind": "sgd", "learning_rate": 1e-30})",
                                            "training.stop={\"steps\": 200}"};
    for (int seed = 1; seed <= 2; ++seed) {  // jitter is the order in which losses come
      std::vector<std::string> seeded = constant;
      seeded.push_back(fmt::format("seed={}", seed));
      const auto adaptive = trained(R"({"kind": "adacomm", "period": 4, "interval": "1ms"})", seeded);
      const auto fixed = trained(local_sgd, seeded);
      EXPECT_EQ(adaptive.results.fingerprint, fixed.results.fingerprint) << numerics << ", seed " << seed;
      EXPECT_EQ(adaptive.rows, fixed.rows) << numerics << ", seed " << seed;
    }
  }
}

// And a loss that falls to a quarter halves it: the time between averagings shrinks.
TEST(AdaCommLimits, AFallingLossShortensThePeriod) {
  const std::vector<std::string> falling{"training.stop={\"steps\": 400}",
                                         R"(training.optimizer={"kind": "sgd", "learning_rate": 0.3})"};
  const auto adaptive = trained(R"({"kind": "adacomm", "period": 16, "interval": "5ms"})", falling);
  const auto fixed = trained(R"({"kind": "local_sgd", "period": 16})", falling);
  EXPECT_GT(adaptive.results.updates, 2 * fixed.results.updates);
}

}  // namespace
}  // namespace paceline::test
