// Random numbers: known answers, streams that know nothing of each other, distributions. Every bound is derived: a test
// of this kind fails for a right generator with a chance below 1e-6, and draws are fixed, so it fails always or never.
#include "sim/core/random.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "sim/cluster/jitter/jitter.hpp"

namespace paceline {
namespace {

using Words = std::array<std::uint32_t, 4>;

TEST(Philox, GivesTheKnownAnswersOfRandom123) {
  constexpr std::uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Splitmix, GivesTheKnownSequences) {
  constexpr std::uint64_t step = 0x9E3779B97F4A7C15u;
  EXPECT_EQ(splitmix64(0), 0xe220a8397b1dcdafu);
  EXPECT_EQ(splitmix64(step), 0x6e789e6aa1b965f4u);
  EXPECT_EQ(splitmix64(2 * step), 0x06c45d188009454fu);
  EXPECT_EQ(splitmix64(1234567), 6457827717110365317u);
  EXPECT_EQ(splitmix64(1234567 + step), 3203168211198807973u);
  EXPECT_EQ(splitmix64(1234567 + 2 * step), 9817491932198370423u);
}

TEST(Stream, ADrawIsAFunctionOfSeedPurposeEntityAndOrdinalAlone) {
  const Stream stream(7, "jitter", 3);
  const std::uint64_t early = stream.bits(5);
  for (std::uint64_t i = 0; i < 100; ++i) stream.bits(i);
  EXPECT_EQ(stream.bits(5), early);
  EXPECT_EQ(Stream(7, "jitter", 3).bits(5), early);
}

TEST(Stream, ChangesWithEveryOneOfItsArguments) {
  std::set<std::uint64_t> seen;
  std::size_t draws = 0;
  for (std::uint64_t seed : {0ull, 1ull, 2ull, 1ull << 32, ~0ull})
    for (const char* purpose : {"", "jitter", "jittes", "shuffle"})
      for (std::uint64_t entity : {0ull, 1ull, 1ull << 32, ~0ull})
        for (std::uint64_t ordinal : {0ull, 1ull, 1ull << 32, ~0ull}) {
          seen.insert(Stream(seed, purpose, entity).bits(ordinal));
          ++draws;
        }
  EXPECT_EQ(seen.size(), draws);
}

constexpr std::uint64_t draws = 1 << 18;
constexpr double five_sigma = 5;  // two-sided: 6e-7

// z-score of the mean of values with a known mean and variance.
template <class Value>
double z_of_mean(Value value, double mean, double variance) {
  double sum = 0;
  for (std::uint64_t i = 0; i < draws; ++i) sum += value(i);
  return (sum / double(draws) - mean) / std::sqrt(variance / double(draws));
}

TEST(Stream, StreamsOfOtherEntitiesAndPurposesAreUncorrelated) {
  const Stream one(1, "jitter", 0);
  for (const Stream& other : {Stream(1, "jitter", 1), Stream(1, "service", 0), Stream(2, "jitter", 0)}) {
    // (u - 1/2)(v - 1/2) has mean 0 and variance 1/144 for independent uniform u and v.
    const double z =
        z_of_mean([&](std::uint64_t i) { return (one.uniform(i) - 0.5) * (other.uniform(i) - 0.5); }, 0, 1.0 / 144);
    EXPECT_LT(std::abs(z), five_sigma);
  }
  // Nor are neighbours of one stream.
  EXPECT_LT(std::abs(z_of_mean([&](std::uint64_t i) { return (one.uniform(i) - 0.5) * (one.uniform(i + 1) - 0.5); }, 0,
                               1.0 / 144)),
            five_sigma);
}

TEST(Stream, UniformHasTheMomentsOfTheUniformDistribution) {
  const Stream stream(3, "moments", 0);
  for (int k = 1; k <= 4; ++k) {  // E u^k = 1/(k+1), var u^k = 1/(2k+1) - 1/(k+1)^2
    const double mean = 1.0 / (k + 1), variance = 1.0 / (2 * k + 1) - mean * mean;
    EXPECT_LT(std::abs(z_of_mean([&](std::uint64_t i) { return std::pow(stream.uniform(i), k); }, mean, variance)),
              five_sigma)
        << k;
  }
}

TEST(Stream, UniformIsNeverZeroNorOne) {
  // The smallest and the largest word that bits() can give.
  EXPECT_GT((double(std::uint64_t{0} >> 12) + 0.5) * 0x1p-52, 0.0);
  EXPECT_LT((double(~std::uint64_t{0} >> 12) + 0.5) * 0x1p-52, 1.0);
  const Stream stream(3, "open", 0);
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const double u = stream.uniform(i);
    ASSERT_TRUE(u > 0 && u < 1) << u;
    ASSERT_EQ(u, (double(stream.bits(i) >> 12) + 0.5) * 0x1p-52);
  }
}

// Chi-square of counts that should be equal, as a z-score (Wilson and Hilferty 1931).
double z_of_chi_square(const std::vector<double>& counts) {
  double total = 0, chi = 0;
  for (double count : counts) total += count;
  const double expected = total / double(counts.size()), freedom = double(counts.size() - 1);
  for (double count : counts) chi += (count - expected) * (count - expected) / expected;
  return (std::cbrt(chi / freedom) - (1 - 2 / (9 * freedom))) / std::sqrt(2 / (9 * freedom));
}

TEST(Stream, UniformFillsAllCellsAlike) {
  const Stream stream(4, "cells", 0);
  std::vector<double> cells(256);
  for (std::uint64_t i = 0; i < draws; ++i) ++cells[std::size_t(stream.uniform(i) * 256)];
  EXPECT_LT(z_of_chi_square(cells), five_sigma);
  EXPECT_GT(z_of_chi_square(cells), -five_sigma);  // nor too evenly
}

TEST(Stream, EveryBitIsSetHalfTheTime) {
  const Stream stream(5, "bits", 0);
  for (int bit = 0; bit < 64; ++bit)
    EXPECT_LT(std::abs(z_of_mean([&](std::uint64_t i) { return double(stream.bits(i) >> bit & 1); }, 0.5, 0.25)),
              five_sigma)
        << bit;
}

TEST(Stream, BelowGivesEveryNumberBelowAsOften) {
  const Stream stream(6, "below", 0);
  EXPECT_EQ(stream.below(1, 0), 0u);
  for (std::uint64_t bound : {2u, 3u, 7u, 10u, 100u}) {
    std::vector<double> counts(bound);
    for (std::uint64_t i = 0; i < draws; ++i) {
      const std::uint64_t draw = stream.below(bound, i);
      ASSERT_LT(draw, bound);
      ++counts[draw];
    }
    EXPECT_LT(z_of_chi_square(counts), five_sigma) << bound;
  }
  // Three quarters of all 64-bit numbers: a remainder would give the lower third twice as often.
  const std::uint64_t bound = 3ull << 62;
  EXPECT_LT(std::abs(z_of_mean([&](std::uint64_t i) { return double(stream.below(bound, i) < bound / 3); }, 1.0 / 3,
                               2.0 / 9)),
            five_sigma);
}

TEST(Quantiles, OfTheNormalDistributionAreTheKnownOnes) {
  EXPECT_EQ(normal_quantile(0.5), 0.0);
  const std::vector<std::pair<double, double>> known{
      {0.8413447460685429, 1},    {0.9772498680518208, 2},   {0.975, 1.959963984540054}, {0.995, 2.5758293035489004},
      {0.99, 2.3263478740408408}, {0.9, 1.2815515655446004}, {0.75, 0.6744897501960817}, {1e-9, -5.997807015007774}};
  for (const auto& [u, z] : known) {
    EXPECT_NEAR(normal_quantile(u), z, 1e-13 * std::max(1.0, std::abs(z)) * 10) << u;
    EXPECT_NEAR(std::erfc(-z / std::sqrt(2.0)) / 2, u, 1e-14) << u;  // the table itself
  }
}

TEST(Quantiles, OfTheExponentialDistributionAreTheKnownOnes) {
  EXPECT_DOUBLE_EQ(exponential_quantile(0.5), std::log(2.0));
  EXPECT_DOUBLE_EQ(exponential_quantile(1 - 1 / std::exp(1.0)), 1);
  EXPECT_DOUBLE_EQ(exponential_quantile(1e-18), 1e-18);
}

TEST(Quantiles, AreFiniteAtTheEndsThatDrawsReach) {
  for (double u : {0x1p-53, 1 - 0x1p-53}) {
    EXPECT_TRUE(std::isfinite(normal_quantile(u)));
    EXPECT_TRUE(std::isfinite(exponential_quantile(u)));
  }
}

// The integral of q over (0, 1), by Gauss' trick of substituting u = 1 / (1 + e^-t): the ends then fall off
// exponentially and the trapezoidal rule converges faster than any power of its step.
double mean_of(const Jitter& quantile) {
  constexpr double step = 1.0 / 64, reach = 34;
  double sum = 0;
  for (double t = -reach; t <= reach; t += step) {
    const double e = std::exp(-std::abs(t)), slope = e / ((1 + e) * (1 + e));
    const double u = t < 0 ? e / (1 + e) : 1 / (1 + e);
    sum += quantile(std::min(u, 1 - 0x1p-53)) * slope * step;
  }
  return sum;
}

// The same of a function of steps whose ends are multiples of a thousandth.
double mean_of_steps(const Jitter& quantile) {
  double sum = 0;
  for (int i = 0; i < 1000; ++i) sum += quantile((i + 0.5) / 1000) / 1000;
  return sum;
}

Jitter jitter(const std::string& text) {
  Node object = parse_document(text, "jitter.json");
  Reader::Context context;
  Reader in(object, "", context);
  in.ignore("kind", "text", "");
  return jitters::all().read(in, *object.find("kind"));
}

struct Law {
  std::string keys;
  double variance;
  bool steps = false;
};

TEST(Jitters, OfEveryKindHaveMeanOneTheirVarianceAndAreNotNegative) {
  const double e = std::exp(1.0), nan = std::numeric_limits<double>::quiet_NaN();  // no variance, or not in closed form
  const std::map<std::string, std::vector<Law>> all{
      {"constant", {{"", 0}}},
      {"exponential", {{"", 1}}},
      {"lognormal", {{R"(, "sigma": 0)", 0}, {R"(, "sigma": 0.2)", std::exp(0.04) - 1}, {R"(, "sigma": 1)", e - 1}}},
      {"normal",
       {{R"(, "sigma": 0)", 0}, {R"(, "sigma": 0.1)", 0.01}, {R"(, "sigma": 1)", nan}, {R"(, "sigma": 10)", nan}}},
      {"shifted_exponential", {{R"(, "shift": 0)", 1}, {R"(, "shift": 0.7)", 0.09}, {R"(, "shift": 1)", 0}}},
      {"uniform", {{R"(, "width": 0)", 0}, {R"(, "width": 0.5)", 0.25 / 12}, {R"(, "width": 2)", 4.0 / 12}}},
      {"gamma", {{R"(, "shape": 0.25)", 4}, {R"(, "shape": 1)", 1}, {R"(, "shape": 50)", 0.02}}},
      {"pareto", {{R"(, "alpha": 5)", 1.0 / 15}, {R"(, "alpha": 20)", 1.0 / 360}, {R"(, "alpha": 3)", nan}}},
      {"bimodal",  // p (1 - p) (f - 1)² / (1 + p (f - 1))²
       {{R"(, "probability": 0.25, "factor": 5)", 0.75, true},
        {R"(, "probability": 0.5, "factor": 0)", 1, true},
        {R"(, "probability": 1, "factor": 7)", 0, true}}},
      {"empirical",
       {{R"(, "values": [3])", 0, true},
        {R"(, "values": [1, 3, 0, 4])", 2.5 / 4, true},
        {R"(, "file": [10, 20, 20, 30, 120])", 1640.0 / 1600, true}}},
  };
  for (const std::string& kind : jitters::all().kinds())
    EXPECT_TRUE(all.contains(kind)) << "no parameters here for " << kind;
  for (const auto& [kind, laws] : all)
    for (const Law& law : laws) {
      const std::string text = fmt::format(R"({{"kind": "{}"{}}})", kind, law.keys);
      const Jitter quantile = jitter(text);
      const Jitter square = [&](double u) { return quantile(u) * quantile(u); };
      EXPECT_NEAR(law.steps ? mean_of_steps(quantile) : mean_of(quantile), 1, 1e-9) << text;
      // What lies beyond the reach of 34 is below e^(-34 (1 - 2/5)) / (1 - 2/5) < 3e-9 for the heaviest tail.
      if (!std::isnan(law.variance)) {
        EXPECT_NEAR(law.steps ? mean_of_steps(square) : mean_of(square), 1 + law.variance, 1e-8) << text;
      }
      double before = 0;
      for (int i = 0; i <= 1000; ++i) {
        const double factor = quantile(std::min(std::max(i / 1000.0, 0x1p-53), 1 - 0x1p-53));
        ASSERT_TRUE(std::isfinite(factor) && factor >= before) << text << " at " << i;
        before = factor;
      }
    }
}

TEST(Jitters, HaveTheQuantilesOfTheirDefinitions) {
  const Jitter pareto = jitter(R"({"kind": "pareto", "alpha": 2.5})"),
               gamma = jitter(R"({"kind": "gamma", "shape": 2})"),
               uniform = jitter(R"({"kind": "uniform", "width": 0.4})"),
               bimodal = jitter(R"({"kind": "bimodal", "probability": 0.1, "factor": 11})");
  for (double u : {1e-6, 0.1, 0.5, 0.89, 0.91, 0.999}) {
    EXPECT_NEAR(std::pow(0.6 / pareto(u), 2.5), 1 - u, 1e-12);                // P(X > x) = (x_m / x)^α
    EXPECT_NEAR(1 - std::exp(-2 * gamma(u)) * (1 + 2 * gamma(u)), u, 1e-12);  // of shape 2 and mean 1
    EXPECT_DOUBLE_EQ(uniform(u), 0.8 + 0.4 * u);
    EXPECT_DOUBLE_EQ(bimodal(u), u < 0.9 ? 0.5 : 5.5);
  }
}

}  // namespace
}  // namespace paceline
