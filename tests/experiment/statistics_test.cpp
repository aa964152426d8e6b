// Student's intervals, paired differences and ratios, Holm's correction.
#include "sim/experiment/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

// Standard normal numbers by Box and Muller: the same on every machine.
class Normal {
 public:
  double operator()() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
  std::vector<double> sample(std::size_t n, double mean, double deviation) {
    std::vector<double> values;
    for (std::size_t i = 0; i < n; ++i) values.push_back(mean + deviation * (*this)());
    return values;
  }

 private:
  double uniform() { return double(bits_() >> 11) * 0x1p-53; }
  std::mt19937_64 bits_{7};
};

bool covers(const Estimate& e, double truth) { return e.low() <= truth && truth <= e.high(); }

TEST(Statistics, QuantilesAreThoseOfTheTables) {
  for (const auto& [degrees, t] : std::vector<std::pair<double, double>>{
           {1, 12.7062}, {2, 4.3027}, {3, 3.1824}, {4, 2.7764}, {5, 2.5706}, {9, 2.2622}, {29, 2.0452}, {120, 1.9799}})
    EXPECT_NEAR(student_quantile(0.975, degrees), t, 5e-5) << degrees;
  EXPECT_NEAR(student_quantile(0.95, 5), 2.0150, 5e-5);
  EXPECT_NEAR(student_quantile(0.995, 10), 3.1693, 5e-5);
}

TEST(Statistics, QuantilesOfOneAndTwoDegreesAreTheirClosedForms) {
  for (const double p : {0.6, 0.9, 0.975, 0.999}) {
    const double one = std::tan(std::numbers::pi * (p - 0.5)), two = (2 * p - 1) / std::sqrt(2 * p * (1 - p));
    EXPECT_NEAR(student_quantile(p, 1) / one, 1, 1e-12);
    EXPECT_NEAR(student_quantile(p, 2) / two, 1, 1e-12);
  }
}

TEST(Statistics, AnIntervalByHand) {
  const Estimate e = estimate({1, 2, 3, 4, 5});  // s² = 2.5
  EXPECT_DOUBLE_EQ(e.mean, 3);
  EXPECT_DOUBLE_EQ(e.standard_error, std::sqrt(0.5));
  EXPECT_NEAR(*e.half_interval, 2.776445 * std::sqrt(0.5), 1e-6);
  EXPECT_FALSE(estimate({7}).half_interval);
  EXPECT_EQ(*estimate({7, 7}).half_interval, 0);
  EXPECT_EQ(estimate({}).n, 0u);
}

// Of 1,000 intervals 950 are expected to cover; their standard deviation is 6.9.
TEST(Statistics, NinetyFivePercentOfIntervalsCoverTheTruth) {
  Normal normal;
  int single = 0, paired = 0, ratio = 0;
  for (int i = 0; i < 1000; ++i) {
    single += covers(estimate(normal.sample(5, 10, 3)), 10);
    std::vector<double> before = normal.sample(5, 50, 8), after = before, times = before;
    for (std::size_t s = 0; s < 5; ++s) {
      after[s] += 2 + 0.5 * normal();
      times[s] *= 1.25 * std::exp(0.1 * normal());
    }
    paired += covers(paired_difference(before, after), 2);
    const Ratio r = paired_ratio(before, times);
    ratio += *r.low <= 1.25 && 1.25 <= *r.high;
  }
  for (const int covered : {single, paired, ratio}) {
    EXPECT_GE(covered, 930);
    EXPECT_LE(covered, 970);
  }
}

TEST(Statistics, APValueIsBelowFivePercentWhereTheIntervalExcludesZero) {
  Normal normal;
  int excluded = 0;
  for (int i = 0; i < 500; ++i) {
    const Estimate e = estimate(normal.sample(4, 1, 1));
    EXPECT_EQ(*p_value(e) < 0.05, !covers(e, 0));
    excluded += !covers(e, 0);
  }
  EXPECT_GT(excluded, 50);
  EXPECT_LT(excluded, 450);
  // n = 3: P(|T| > t) = 1 − t / √(2 + t²). Of 1, 2, 3 t = 2 / (1 / √3).
  EXPECT_NEAR(*p_value(estimate({1, 2, 3})), 1 - std::sqrt(12.0 / 14.0), 1e-12);
  EXPECT_EQ(*p_value(estimate({2, 2, 2})), 0);
  EXPECT_EQ(*p_value(estimate({0, 0})), 1);
  EXPECT_FALSE(p_value(estimate({2})));
}

TEST(Statistics, ARatioIsOfLogarithms) {
  const Ratio r = paired_ratio({1, 2}, {2, 8});  // ln 2 and ln 4: s / √2 = ln 2 / 2
  EXPECT_NEAR(r.ratio, std::pow(2, 1.5), 1e-14);
  EXPECT_NEAR(std::log(*r.high / r.ratio), student_quantile(0.975, 1) * std::log(2) / 2, 1e-12);
  EXPECT_NEAR(*r.low * *r.high, r.ratio * r.ratio, 1e-9);
  EXPECT_DOUBLE_EQ(r.over(4).ratio, r.ratio / 4);
  EXPECT_FALSE(paired_ratio({1}, {3}).low);
  EXPECT_NEAR(paired_ratio({1}, {3}).ratio, 3, 1e-14);
}

TEST(Statistics, HolmByHand) {
  EXPECT_EQ(holm({0.01, 0.04, 0.03, 0.005}), (std::vector<bool>{true, false, false, true}));
  EXPECT_EQ(holm({0.04, std::nullopt, 0.02}), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(holm({0.03, 0.04}), (std::vector<bool>{false, false}));
  EXPECT_TRUE(holm({}).empty());
}

// Ten comparisons with nothing behind any: at least one is wrongly significant in 5 % of 1,000 families at most, 4
// standard deviations of 6.9; without a correction it would be in 40 %.
TEST(Statistics, HolmKeepsTheErrorOfTheWholeFamily) {
  Normal normal;
  int wrong = 0, uncorrected = 0;
  for (int i = 0; i < 1000; ++i) {
    std::vector<std::optional<double>> p;
    for (int c = 0; c < 10; ++c) p.push_back(p_value(estimate(normal.sample(5, 0, 1))));
    const std::vector<bool> found = holm(p);
    wrong += std::count(found.begin(), found.end(), true) > 0;
    uncorrected += std::any_of(p.begin(), p.end(), [](const auto& each) { return *each < 0.05; });
  }
  EXPECT_LE(wrong, 50 + 28);
  EXPECT_GT(wrong, 10);
  EXPECT_GT(uncorrected, 300);
}

// One jitter stretches the steps of both, so that a seed that is slow for one is slow for the other.
TEST(Statistics, OnCommonRandomNumbersAPairedIntervalIsShorter) {
  std::vector<double> before, after;
  for (int seed = 1; seed <= 8; ++seed) {
    const std::vector<std::string> common{"numerics=false", "output.steps=false", R"(training.stop={"steps": 30})",
                                          R"(cluster.jitter={"kind": "lognormal", "sigma": 0.5})",
                                          fmt::format("seed={}", seed)};
    const auto time = [&](const std::string& latency) {
      std::vector<std::string> all = common;
      all.push_back("cluster.topology.node_link.latency=" + latency);
      return run("scenarios/bsp.json", all).results.simulated_time_s;
    };
    before.push_back(time("20us"));
    after.push_back(time("200us"));
  }
  const Estimate paired = paired_difference(before, after), a = estimate(before), b = estimate(after);
  EXPECT_GT(paired.low(), 0);
  EXPECT_LT(*paired.half_interval, 0.2 * std::hypot(*a.half_interval, *b.half_interval));
}

}  // namespace
}  // namespace paceline::test
