// Random kinds: what they send is the gradient on average, with exactly the variance of their definition.
#include <gtest/gtest.h>

#include <functional>

#include "tests/compressors/support.hpp"

namespace paceline::test {
namespace {

constexpr int draws = 20000;
constexpr std::size_t size = 48;
constexpr double sigmas = 4;

// What an entry may become: `low` + `step` with probability p, else `low`.
struct Entry {
  double low, step, p;
  double variance() const { return step * step * p * (1 - p); }
};
using Law = std::function<std::vector<Entry>(const Vector&)>;

// Magnitudes of 0.2 … 1, and one of 1.2, so that no probability is small.
Vector moderate_gradient() {
  const Stream stream(7, "moderate", 0);
  Vector gradient(size);
  for (std::size_t i = 0; i < size; ++i)
    gradient[i] = float((0.2 + 0.8 * stream.uniform(2 * i)) * (stream.uniform(2 * i + 1) < 0.5 ? -1 : 1));
  gradient[5] = 1.2f;
  return gradient;
}

// A mean of n draws is normal but for its skewness γ = (1 - 2p)/√(np(1 - p)), which moves a quantile of z by at most
// |γ|(z² - 1)/6. Of D entries none may be off by more than the z whose probability is that of 4 standard errors of one
// entry, over D: 4.9 for 48.
void expect_unbiased(std::string_view object, const Law& law) {
  const Vector gradient = moderate_gradient();
  const auto compressor = shaped({{int(size)}}).make(object);
  std::vector<double> sum(size);
  for (int step = 0; step < draws; ++step) {
    const Vector sent = encoded(*compressor, gradient, 0, step);
    for (std::size_t i = 0; i < size; ++i) sum[i] += double(sent[i]);
  }
  const double z = -normal_quantile(std::erfc(sigmas / std::sqrt(2.0)) / 2 / double(size));
  const std::vector<Entry> entries = law(gradient);
  for (std::size_t i = 0; i < size; ++i) {
    const auto [low, step, p] = entries[i];
    const double g = double(gradient[i]), rounding = 1e-6 * std::abs(g);
    ASSERT_NEAR(low + p * step, g, rounding) << "the law of entry " << i << " is wrong";
    const double skewness = entries[i].variance() > 0 ? std::abs(1 - 2 * p) / std::sqrt(draws * p * (1 - p)) : 0;
    ASSERT_LT(skewness, 0.2) << "entry " << i << " needs more draws";
    const double bound = (z + skewness * (z * z - 1) / 6) * std::sqrt(entries[i].variance() / draws);
    EXPECT_NEAR(sum[i] / draws, g, bound + rounding) << object << ", entry " << i;
  }
}

double norm_of(const Vector& gradient) {
  double squares = 0;
  for (const float x : gradient) squares += double(x) * double(x);
  return std::sqrt(squares);
}

Law qsgd_with(int levels) {
  return [levels](const Vector& gradient) {
    const double unit = norm_of(gradient) / levels;
    std::vector<Entry> entries;
    for (const float x : gradient) {
      const double a = std::abs(double(x)) / unit, side = x < 0 ? -1 : 1;
      entries.push_back({side * unit * std::floor(a), side * unit, a - std::floor(a)});
    }
    return entries;
  };
}

std::vector<Entry> of_terngrad(const Vector& gradient) {
  double s = 0;
  for (const float x : gradient) s = std::max(s, std::abs(double(x)));
  std::vector<Entry> entries;
  for (const float x : gradient) entries.push_back({0, std::copysign(s, double(x)), std::abs(double(x)) / s});
  return entries;
}

std::vector<Entry> of_random_quarter(const Vector& gradient) {
  std::vector<Entry> entries;
  for (const float x : gradient) entries.push_back({0, 4 * double(x), 0.25});
  return entries;
}

TEST(Unbiased, Qsgd) {
  for (const int levels : {1, 3, 16})
    expect_unbiased(fmt::format(R"({{"kind": "qsgd", "levels": {}}})", levels), qsgd_with(levels));
}
TEST(Unbiased, TernGrad) { expect_unbiased(R"({"kind": "terngrad"})", of_terngrad); }
TEST(Unbiased, RandomKWithoutErrorFeedback) {
  expect_unbiased(R"({"kind": "random_k", "ratio": 0.25})", of_random_quarter);
}

// Of an entry's squared error the mean is m = Δ²p(1 - p), and the mean of its square is Δ⁴p(1 - p)((1 - p)³ + p³).
// Entries are independent, so that the variance of their sum is Σ of (that - m²).
void expect_squared_error(std::string_view object, const Law& law) {
  const Vector gradient = moderate_gradient();
  const auto compressor = shaped({{int(size)}}).make(object);
  double sum = 0, mean = 0, variance = 0;
  for (int step = 0; step < draws; ++step) {
    const Vector sent = encoded(*compressor, gradient, 0, step);
    for (std::size_t i = 0; i < size; ++i) sum += std::pow(double(sent[i]) - double(gradient[i]), 2);
  }
  for (const Entry& entry : law(gradient)) {
    const double p = entry.p, own = entry.variance();
    mean += own;
    variance += std::pow(entry.step, 4) * p * (1 - p) * (std::pow(1 - p, 3) + std::pow(p, 3)) - own * own;
  }
  EXPECT_NEAR(sum / draws, mean, sigmas * std::sqrt(variance / draws)) << object;
}

TEST(SquaredError, IsThatOfTheDefinition) {
  for (const int levels : {1, 3, 16})
    expect_squared_error(fmt::format(R"({{"kind": "qsgd", "levels": {}}})", levels), qsgd_with(levels));
  expect_squared_error(R"({"kind": "terngrad"})", of_terngrad);
}

TEST(Draws, AreOthersForAnotherWorkerStepAndSeedButRandomKsPlacesAreTheWorkersOwn) {
  const Vector gradient = some_gradient(421, 0, 0);
  Target target = some_tensors(2), reseeded = some_tensors(2);
  reseeded.seed = 2;
  for (const char* object :
       {R"({"kind": "qsgd", "levels": 2})", R"({"kind": "terngrad"})", R"({"kind": "random_k", "ratio": 0.2})"}) {
    const auto compressor = target.make(object);
    const Vector sent = encoded(*compressor, gradient, 0, 0);
    const bool shared = std::string_view(object).find("random_k") != std::string_view::npos;
    EXPECT_EQ(sent == encoded(*compressor, gradient, 1, 0), shared) << object;
    EXPECT_NE(sent, encoded(*compressor, gradient, 0, 1)) << object;
    EXPECT_NE(sent, encoded(*reseeded.make(object), gradient, 0, 0)) << object;
    EXPECT_EQ(sent, encoded(*compressor, gradient, 0, 0)) << object;  // also after others
  }
}

TEST(Qsgd, WithManyLevelsIsTheGradientToRounding) {
  const Target target = some_tensors();
  const Vector gradient = some_gradient(target.size, 0, 0);
  const Vector sent = encoded(*target.make(R"({"kind": "qsgd", "levels": 1073741824})"), gradient);
  for (const Tensor& tensor : target.tensors) {
    const Vector own(&gradient[tensor.offset], &gradient[tensor.offset] + tensor.count);
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.count; ++i)
      EXPECT_NEAR(sent[i], gradient[i], 0x1p-23 * std::abs(gradient[i]) + 0x1p-30 * norm_of(own));
  }
}

TEST(Qsgd, HasANormPerTensor) {
  // (3, 4) has the norm 5; of one level 3 becomes 0 or 5, so does 4; alone, 7 is its own norm, always.
  const auto compressor = shaped({{2}, {1}}).make(R"({"kind": "qsgd", "levels": 1})");
  std::set<float> first;
  for (int step = 0; step < 100; ++step) {
    const Vector sent = encoded(*compressor, {3, -4, 7}, 0, step);
    first.insert(sent[0]);
    EXPECT_TRUE(sent[1] == 0 || sent[1] == -5) << sent[1];
    EXPECT_EQ(sent[2], 7);
  }
  EXPECT_EQ(first, (std::set<float>{0, 5}));
}

TEST(TernGrad, HasAScalePerTensor) {
  const auto compressor = shaped({{3}, {1}}).make(R"({"kind": "terngrad"})");
  for (int step = 0; step < 100; ++step) {
    const Vector sent = encoded(*compressor, {1, -4, 0, 7}, 0, step);
    EXPECT_TRUE(sent[0] == 0 || sent[0] == 4) << sent[0];
    EXPECT_EQ(sent[1], -4);
    EXPECT_EQ(sent[2], 0);
    EXPECT_EQ(sent[3], 7);
  }
}

}  // namespace
}  // namespace paceline::test
