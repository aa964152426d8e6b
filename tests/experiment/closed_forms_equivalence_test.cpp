// Strategies that must be the same training: N workers and one with N times the batch, any strategy with one worker,
// local SGD with period 1 and bsp, SSP with staleness 0 and a barrier. On small blobs.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

Run trained(std::vector<std::string> assignments) { return run("tests/data/scenarios/blobs.json", assignments); }

std::vector<double> mean_losses(const Run& made, int workers) {
  std::vector<double> losses;
  for (int w = 0; w < workers; ++w) {
    const auto own = made.of_worker(w, "train_loss");
    losses.resize(std::max(losses.size(), own.size()));
    for (std::size_t t = 0; t < own.size(); ++t) losses[t] += own[t] / workers;
  }
  return losses;
}

// Rows of 20 numbers through 16 units and up to 64 rows: sums of about 100 terms, √100·2⁻²⁴ = 6e-7 of each step's
// gradient, and 40 updates rounded: √40·2⁻²⁴ = 4e-7. Twice their sum.
constexpr double rounding = 2e-6;

void expect_same_training(const Run& a, int workers_a, const Run& b, int workers_b) {
  const auto one = mean_losses(a, workers_a), other = mean_losses(b, workers_b);
  ASSERT_EQ(one.size(), 40u);
  ASSERT_EQ(other.size(), 40u);
  for (std::size_t t = 0; t < one.size(); ++t) EXPECT_NEAR(one[t], other[t], rounding * one[t]) << "step " << t;
  ASSERT_EQ(a.parameters->size(), b.parameters->size());
  double apart = 0, square = 0;
  for (std::size_t i = 0; i < a.parameters->size(); ++i) {
    apart += std::pow(double((*a.parameters)[i]) - double((*b.parameters)[i]), 2);
    square += std::pow(double((*a.parameters)[i]), 2);
  }
  EXPECT_LE(std::sqrt(apart), rounding * std::sqrt(square));
}

TEST(Bsp, OfNWorkersIsSerialTrainingWithNTimesTheBatch) {
  for (const char* optimizer :
       {R"({"kind": "sgd", "learning_rate": 0.05})",
        R"({"kind": "sgd", "learning_rate": 0.02, "momentum": 0.9, "nesterov": true, "weight_decay": 1e-3})"})
    for (const char* aggregate : {"all_reduce", "parameter_server"}) {
      SCOPED_TRACE(std::string(optimizer) + " by " + aggregate);
      const std::string chosen = std::string("training.optimizer=") + optimizer,
                        strategy = fmt::format("training.strategy.aggregate.kind={}", aggregate);
      const auto one = trained({"workload.order.kind=sequential", "cluster.workers=1", "cluster.stragglers=[]",
                                "workload.batch_size=32", chosen, strategy});
      const auto four = trained({"workload.order.kind=sequential", chosen, strategy});
      expect_same_training(one, 1, four, 4);
      EXPECT_EQ(one.results.samples, four.results.samples);
    }
}

// Shards of the parameters change nothing: the mean is one, each shard applies its slice.
TEST(Bsp, OverThreeServersHasTheParametersOfOneServerBitForBit) {
  const auto over = [](int servers) {
    return trained({R"(training.strategy={"kind": "bsp", "aggregate": {"kind": "parameter_server"}})",
                    fmt::format("cluster.servers.count={}", servers)});
  };
  EXPECT_EQ(*over(1).parameters, *over(3).parameters);
}

TEST(LocalSgd, OfPeriodOneIsBspForPlainSgd) {
  const std::string optimizer = R"(training.optimizer={"kind": "sgd", "learning_rate": 0.05})";
  expect_same_training(trained({optimizer}), 4,
                       trained({optimizer, R"(training.strategy={"kind": "local_sgd", "period": 1})"}), 4);
}

TEST(OneWorker, TrainsTheSameBitForBitUnderEveryStrategy) {
  const auto alone = [](const std::string& strategy) {
    return trained({"cluster.workers=1", "cluster.stragglers=[]", "training.strategy=" + strategy});
  };
  const auto bsp = alone(R"({"kind": "bsp"})");
  ASSERT_EQ(bsp.rows.size(), 40u);
  for (const char* other : {R"({"kind": "bsp", "aggregate": {"kind": "all_reduce", "overlap": false}})",
                            R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})", R"({"kind": "async"})",
                            R"({"kind": "async", "staleness_scaling": "inverse"})",
                            R"({"kind": "ssp", "staleness": 0})", R"({"kind": "ssp", "staleness": 3})",
                            R"({"kind": "local_sgd", "period": 1})", R"({"kind": "local_sgd", "period": 8})"}) {
    SCOPED_TRACE(other);
    const auto made = alone(other);
    EXPECT_EQ(*made.parameters, *bsp.parameters);
    EXPECT_EQ(made.of_worker(0, "train_loss"), bsp.of_worker(0, "train_loss"));
    EXPECT_EQ(made.results.curve.back().test_accuracy, bsp.results.curve.back().test_accuracy);
  }
}

// It is trained at all: parameters that differ from those after half the steps, and a loss that has come down.
TEST(OneWorker, LearnsTheBlobs) {
  const auto after = [](int steps) {
    return trained({"cluster.workers=1", "cluster.stragglers=[]", fmt::format("training.stop.steps={}", steps)});
  };
  const auto half = after(20), whole = after(40);
  EXPECT_NE(*half.parameters, *whole.parameters);
  EXPECT_LT(whole.results.curve.back().test_loss.value(), 0.95 * half.results.curve.back().test_loss.value());
}

// With staleness 0 nobody begins its step k before everybody's update k - 1, and right after an update clocks differ by
// at most one.
TEST(Ssp, OfStalenessZeroIsABarrierEveryIteration) {
  const auto made = trained({R"(training.strategy={"kind": "ssp", "staleness": 0})"});
  std::vector<std::vector<double>> starts, finishes;
  for (int w = 0; w < 4; ++w) {
    starts.push_back(made.of_worker(w, "start_s"));
    finishes.push_back(made.of_worker(w, "compute_s"));
    for (std::size_t k = 0; k < starts.back().size(); ++k) finishes.back()[k] += starts.back()[k];
  }
  for (int w = 0; w < 4; ++w)
    for (std::size_t k = 1; k < starts[std::size_t(w)].size(); ++k)
      for (const auto& other : finishes)
        EXPECT_GT(starts[std::size_t(w)][k], other.at(k - 1)) << "worker " << w << ", step " << k;
  const auto clocks = std::find_if(made.results.checks.begin(), made.results.checks.end(),
                                   [](const Check& c) { return c.name == "ssp clocks"; });
  ASSERT_NE(clocks, made.results.checks.end());
  EXPECT_EQ(clocks->detail, "widest spread 1, bound 1");
  EXPECT_TRUE(made.results.all_hold());
}

// The control: with staleness 1 somebody does.
TEST(Ssp, OfStalenessOneIsNone) {
  const auto made = trained({R"(training.strategy={"kind": "ssp", "staleness": 1})"});
  const auto slow = made.of_worker(1, "start_s"), compute = made.of_worker(1, "compute_s"),
             fast = made.of_worker(0, "start_s");
  bool ahead = false;
  for (std::size_t k = 1; k < std::min(slow.size(), fast.size()); ++k)
    ahead = ahead || fast[k] < slow[k - 1] + compute[k - 1];
  EXPECT_TRUE(ahead);
}

}  // namespace
}  // namespace paceline::test
