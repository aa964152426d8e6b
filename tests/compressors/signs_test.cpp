// sign_majority and ef_sign, by hand.
#include <gtest/gtest.h>

#include "tests/compressors/support.hpp"

namespace paceline::test {
namespace {

TEST(SignMajority, IsTheSignOfTheSumOfSignsWhateverTheWeights) {
  const auto compressor = shaped({{5}}, 3).make(R"({"kind": "sign_majority"})");
  EXPECT_EQ(encoded(*compressor, {-2, 0, 1e-30f, -0.0f, 5}), (Vector{-1, 0, 1, 0, 1}));
  EXPECT_EQ(reduced(*compressor, 0, {{1, 1, 9, 0, 0}, {2, -1, -1, 0, 0}, {-9, 0, -1, 3, 0}}, {0.98, 0.01, 0.01}),
            (Vector{1, 0, -1, 1, 0}));
}

TEST(SignMajority, ShowsWhatABitCannotSay) {
  const auto compressor = shaped({{3}}, 2).make(R"({"kind": "sign_majority"})");
  const Vector result = reduced(*compressor, 0, {{NAN, INFINITY, 1}, {1, 1, 1}}, {0.5, 0.5});
  EXPECT_TRUE(std::isnan(result[0]));
  EXPECT_TRUE(std::isnan(result[1]));
  EXPECT_EQ(result[2], 1);
}

TEST(EfSign, SendsSignsOfTheMeanMagnitude) {
  const auto compressor = shaped({{4}}, 2).make(R"({"kind": "ef_sign"})");
  EXPECT_EQ(encoded(*compressor, {1, -2, 0, 5}), (Vector{2, -2, 0, 2}));  // 8/4; e = (-1, 0, 0, 3)
  EXPECT_EQ(encoded(*compressor, {0, 0, 0, 0}), (Vector{-1, 0, 0, 1}));   // 4/4; e = (0, 0, 0, 2)
  EXPECT_EQ(encoded(*compressor, {-2, 2, 2, 0}), (Vector{-2, 2, 2, 2}));  // 8/4; e = 0
  EXPECT_EQ(encoded(*compressor, {0, 0, 0, 0}), (Vector{0, 0, 0, 0}));
  EXPECT_EQ(encoded(*compressor, {4, 0, 0, 0}, 1), (Vector{1, 0, 0, 0}));
}

}  // namespace
}  // namespace paceline::test
