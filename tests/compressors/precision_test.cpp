// fp16 and bf16: all numbers that there are, everything halfway between two neighbours and next to it; a few by hand.
#include <gtest/gtest.h>

#include <bit>

#include "tests/compressors/support.hpp"

namespace paceline::test {
namespace {

float from_bits(std::uint32_t bits) { return std::bit_cast<float>(bits); }
std::uint32_t bits_of(float x) { return std::bit_cast<std::uint32_t>(x); }

// A value of the format by its own bits, straight from the definition; the one after the largest is where infinity
// would be if there were one more exponent.
struct Format {
  const char* object;
  int mantissa, bias;
  std::uint32_t infinity;

  double value(std::uint32_t bits) const {
    const std::uint32_t exponent = bits >> mantissa, fraction = bits & ((1u << mantissa) - 1);
    if (exponent == 0) return std::ldexp(double(fraction), 1 - bias - mantissa);
    return std::ldexp(double(fraction + (1u << mantissa)), int(exponent) - bias - mantissa);
  }
  float rounded(std::uint32_t bits) const { return bits >= infinity ? INFINITY : float(value(bits)); }
};

class Precision : public ::testing::TestWithParam<Format> {
 protected:
  float sent(float x) {
    Vector result(1);
    compressor_->encode(0, 0, Vector{x}, result);
    return result[0];
  }
  void expect(float x, float wanted) {
    ASSERT_EQ(bits_of(sent(x)), bits_of(wanted)) << x;
    ASSERT_EQ(bits_of(sent(-x)), bits_of(-wanted)) << -x;
  }
  std::unique_ptr<Compressor> compressor_ = shaped({{1}}).make(GetParam().object);
};

TEST_P(Precision, RoundsToTheNearestAndHalfwayToTheEvenOne) {
  const Format format = GetParam();
  for (std::uint32_t bits = 0; bits < format.infinity; ++bits) {
    const float below = format.rounded(bits), above = format.rounded(bits + 1);
    const double middle = (format.value(bits) + format.value(bits + 1)) / 2;
    const float half = float(middle);
    expect(below, below);
    if (double(half) != middle) continue;  // bf16's subnormals are as fine as float's own
    expect(half, bits % 2 == 0 ? below : above);
    expect(std::nextafter(half, 0.0f), below);
    expect(std::nextafter(half, INFINITY), above);
  }
  expect(INFINITY, INFINITY);
  expect(std::numeric_limits<float>::max(), INFINITY);
  for (const std::uint32_t nan : {0x7FC00000u, 0x7F800001u, 0x7FFFFFFFu, 0xFFC00000u, 0xFFFFFFFFu})
    EXPECT_TRUE(std::isnan(sent(from_bits(nan)))) << nan;
}

INSTANTIATE_TEST_SUITE_P(All, Precision,
                         ::testing::Values(Format{R"({"kind": "fp16"})", 10, 15, 0x7C00},
                                           Format{R"({"kind": "bf16"})", 7, 127, 0x7F80}),
                         [](const auto& suite) { return std::string(suite.param.mantissa == 10 ? "fp16" : "bf16"); });

TEST(Precision, ByHand) {
  const Vector halves = encoded(*shaped({{10}}).make(R"({"kind": "fp16"})"),
                                {0.1f, 1.0f / 3, 65504, 65519.996f, 65520, 6.1e-5f, 6e-8f, 2.98e-8f, 2.99e-8f, -0.0f});
  const std::vector<std::uint32_t> halved{0x3DCCC000, 0x3EAAA000, 0x477FE000, 0x477FE000, 0x7F800000,
                                          0x387FC000, 0x33800000, 0,          0x33800000, 0x80000000};
  for (std::size_t i = 0; i < halved.size(); ++i) EXPECT_EQ(bits_of(halves[i]), halved[i]) << i;
  const Vector brains =
      encoded(*shaped({{6}}).make(R"({"kind": "bf16"})"), {0.1f, 1.0f / 3, 257, 259, 3.39e38f, 3.4e38f});
  const std::vector<std::uint32_t> short_ones{0x3DCD0000, 0x3EAB0000, 0x43800000, 0x43820000, 0x7F7F0000, 0x7F800000};
  for (std::size_t i = 0; i < short_ones.size(); ++i) EXPECT_EQ(bits_of(brains[i]), short_ones[i]) << i;
}

}  // namespace
}  // namespace paceline::test
