// How fast random and slow workers get on, against closed forms: order statistics, one slow worker, staleness.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

constexpr double step = 3e-3;  // of timing.json, in seconds

Results timed(std::vector<std::string> assignments) {
  assignments.emplace_back("output.steps=false");
  return run("tests/data/scenarios/timing.json", assignments).results;
}

// The mean step of bsp, in units of a step without jitter. Servers, since a ring would have 2N messages per worker.
double mean_step(int workers, const std::string& jitter, int steps) {
  const Results r = timed({fmt::format("cluster.workers={}", workers), "cluster.jitter=" + jitter,
                           fmt::format("training.stop.steps={}", steps),
                           R"(training.strategy={"kind": "bsp", "aggregate": {"kind": "parameter_server"}})"});
  EXPECT_EQ(r.updates, steps);
  return r.simulated_time_s / steps / step;
}

// About as many draws for any number of workers.
int steps_for(int workers) { return std::max(1000, 100'000 / workers); }

class Bsp : public ::testing::TestWithParam<int> {};

// The largest of n exponentials of mean 1: mean H_n, variance the sum of 1/i². Steps are independent: four standard
// errors.
TEST_P(Bsp, WithExponentialJitterTakesTheHarmonicNumber) {
  const int n = GetParam(), steps = steps_for(n);
  double harmonic = 0, variance = 0;
  for (int i = 1; i <= n; ++i) harmonic += 1.0 / i, variance += 1.0 / (double(i) * i);
  EXPECT_NEAR(mean_step(n, R"({"kind": "exponential"})", steps), harmonic, 4 * std::sqrt(variance / steps));
}

TEST_P(Bsp, WithShiftedExponentialJitterTakesTheShiftAndTheRestOfTheHarmonicNumber) {
  const int n = GetParam(), steps = steps_for(n);
  double harmonic = 0, variance = 0;
  for (int i = 1; i <= n; ++i) harmonic += 1.0 / i, variance += 1.0 / (double(i) * i);
  EXPECT_NEAR(mean_step(n, R"({"kind": "shifted_exponential", "shift": 0.6})", steps), 0.6 + 0.4 * harmonic,
              4 * 0.4 * std::sqrt(variance / steps));
}

// The largest of n standard normals has the density n φ(z) Φ(z)^(n-1); with sigma 0.1 truncation at 0 is ten sigmas
// away.
TEST_P(Bsp, WithNormalJitterTakesTheMeanOfTheLargestNormal) {
  const int n = GetParam(), steps = steps_for(n);
  double mean = 0, square = 0;
  constexpr double dz = 1e-3;
  for (double z = -9; z < 9; z += dz) {
    const double density = n * std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi) *
                           std::pow(std::erfc(-z / std::numbers::sqrt2) / 2, n - 1);
    mean += z * density * dz;
    square += z * z * density * dz;
  }
  const std::map<int, double> known{{2, .56418958},   {4, 1.02937537},  {8, 1.42360031},   {16, 1.76599139},
                                    {32, 2.06966883}, {64, 2.34373347}, {128, 2.59459737}, {256, 2.82686328}};
  if (known.contains(n)) { ASSERT_NEAR(mean, known.at(n), 1e-8); }
  EXPECT_NEAR(mean_step(n, R"({"kind": "normal", "sigma": 0.1})", steps), 1 + 0.1 * mean,
              4 * 0.1 * std::sqrt((square - mean * mean) / steps));
}

// The largest of n Pareto variables of mean 1: x_m^k Γ(n + 1) Γ(1 - k/a) / Γ(n + 1 - k/a) is its k-th moment.
TEST_P(Bsp, WithParetoJitterTakesTheMeanOfTheLargest) {
  const int n = GetParam(), steps = steps_for(n);
  constexpr double a = 5, least = (a - 1) / a;
  const auto moment = [&](int k) {
    return std::pow(least, k) * std::exp(std::lgamma(n + 1) + std::lgamma(1 - k / a) - std::lgamma(n + 1 - k / a));
  };
  const std::map<int, double> known{{8, 1.42572}, {64, 2.14243}, {256, 2.82431}};
  if (known.contains(n)) { ASSERT_NEAR(moment(1), known.at(n), 5e-6); }
  EXPECT_NEAR(mean_step(n, R"({"kind": "pareto", "alpha": 5})", steps), moment(1),
              4 * std::sqrt((moment(2) - moment(1) * moment(1)) / steps));
}

// The largest of n uniform on (0, 1): mean n/(n + 1), variance n / ((n + 1)² (n + 2)).
TEST_P(Bsp, WithUniformJitterTakesTheMeanOfTheLargest) {
  const int n = GetParam(), steps = steps_for(n);
  const double mean = double(n) / (n + 1), variance = double(n) / (double(n + 1) * (n + 1) * (n + 2));
  EXPECT_NEAR(mean_step(n, R"({"kind": "uniform", "width": 2})", steps), 2 * mean, 4 * 2 * std::sqrt(variance / steps));
}

INSTANTIATE_TEST_SUITE_P(Workers, Bsp, ::testing::Values(2, 4, 8, 16, 32, 64, 100, 128, 256),
                         ::testing::PrintToStringParamName());

struct SlowWorker {
  int workers, factor;
  double async;  // throughput over that without the slow worker
};
void PrintTo(const SlowWorker& each, std::ostream* out) { *out << each.workers << "_workers_factor_" << each.factor; }

class OneSlowWorker : public ::testing::TestWithParam<SlowWorker> {
 protected:
  Results timed_for(const std::string& strategy, const std::string& stop) const {
    return timed(
        {fmt::format("cluster.workers={}", GetParam().workers), "training.strategy=" + strategy,
         "training.stop=" + stop,
         fmt::format(R"(cluster.stragglers=[{{"kind": "slow", "workers": "1", "factor": {}}}])", GetParam().factor)});
  }
};

TEST_P(OneSlowWorker, SlowsBspDownByItsFactorExactly) {
  const Results r = timed_for(R"({"kind": "bsp"})", R"({"steps": 40})");
  EXPECT_NEAR(r.simulated_time_s, 40 * step * GetParam().factor, 1e-12);
}

TEST_P(OneSlowWorker, SlowsLocalSgdDownAsMuchAsBsp) {
  const Results r = timed_for(R"({"kind": "local_sgd", "period": 8})", R"({"updates": 5})");
  EXPECT_NEAR(r.simulated_time_s, 40 * step * GetParam().factor, 1e-12);
}

// Stopped half a step after the slow worker's tenth batch: all counts are whole numbers.
TEST_P(OneSlowWorker, CostsAsyncOnlyItsOwnShareExactly) {
  const auto [workers, factor, share] = GetParam();
  const Results r = timed_for(R"({"kind": "async"})", fmt::format(R"({{"time": "{}us"}})", 10 * factor * 3000 + 1500));
  EXPECT_EQ(r.updates, std::int64_t(10 * factor * (workers - 1) + 10));
  EXPECT_DOUBLE_EQ(double(r.updates) / (10 * factor * workers), share);
}

INSTANTIATE_TEST_SUITE_P(All, OneSlowWorker,
                         ::testing::Values(SlowWorker{8, 2, .9375}, SlowWorker{8, 10, .8875},
                                           SlowWorker{16, 4, .953125}),
                         ::testing::PrintToStringParamName());

TEST(AsyncStaleness, OfEqualWorkersIsAlwaysTheNumberOfTheOthersAfterTheFirstRound) {
  for (int n : {1, 2, 8, 31}) {
    const Results r = timed({fmt::format("cluster.workers={}", n), R"(training.strategy={"kind": "async"})",
                             R"(training.stop={"updates": 1000})"});
    ASSERT_EQ(r.staleness.histogram.size(), std::size_t(n));
    for (int tau = 0; tau + 1 < n; ++tau)
      EXPECT_EQ(r.staleness.histogram[std::size_t(tau)], 1u) << "staleness " << tau << " of " << n << " workers";
    EXPECT_EQ(r.staleness.histogram.back(), std::uint64_t(1000 - n + 1));
  }
}

// From one update of a worker to its next there are τ + 1, its own included. So over U updates Σ (τ + 1) = Σ_w (index
// of w's last update): the mean is N - 1 less Σ_w (updates since w's last) / U. The slowest share p of the updates has
// a worker with factor 4, p ≥ 1/(4N): at most 4N updates since its last one in the mean, and the same standard
// deviation; of N workers at most (1 + 4) 4N² together, at four standard deviations.
TEST(AsyncStaleness, TendsToTheNumberOfTheOthersWhateverTheSpeeds) {
  constexpr int updates = 100'000;
  for (int n : {2, 8, 32})
    for (const char* jitter : {R"({"kind": "exponential"})", R"({"kind": "lognormal", "sigma": 1})"}) {
      const Results r =
          timed({fmt::format("cluster.workers={}", n), R"(training.strategy={"kind": "async"})",
                 fmt::format(R"(training.stop={{"updates": {}}})", updates), fmt::format("cluster.jitter={}", jitter),
                 R"(cluster.stragglers=[{"kind": "slow", "workers": "0", "factor": 4}])"});
      EXPECT_LE(r.staleness.mean, n - 1);
      EXPECT_NEAR(r.staleness.mean, n - 1, 20.0 * n * n / updates) << n << " workers, " << jitter;
    }
}

}  // namespace
}  // namespace paceline::test
