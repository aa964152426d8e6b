// Payloads, by hand.
#include <gtest/gtest.h>

#include "tests/compressors/support.hpp"

namespace paceline::test {
namespace {

using Bytes = std::vector<double>;

Bytes bytes(std::string_view object, double entries, std::int64_t step = 0) {
  Target target = shaped({{10, 784}, {10}});  // softmax regression on small images: 7,850
  target.entries = entries;
  return target.make(object)->bytes(step);
}

TEST(CompressedBytes, OfDenseKinds) {
  EXPECT_EQ(bytes(R"({"kind": "fp16"})", 7850), Bytes{15700});
  EXPECT_EQ(bytes(R"({"kind": "bf16"})", 7850), Bytes{15700});
  EXPECT_EQ(bytes(R"({"kind": "sign_majority"})", 7850), Bytes{981.25});
  EXPECT_EQ(bytes(R"({"kind": "ef_sign"})", 7850), Bytes{985.25});
  EXPECT_EQ(bytes(R"({"kind": "terngrad"})", 7850), Bytes{(32 * 2 + 2 * 7850) / 8.0});
}

TEST(CompressedBytes, OfLevelsAreThoseOfTheirNumber) {
  const auto per_entry = [](int levels) {
    return (bytes(fmt::format(R"({{"kind": "qsgd", "levels": {}}})", levels), 1e6)[0] * 8 - 64) / 1e6;
  };
  EXPECT_EQ(per_entry(1), 2);  // of 3 values
  EXPECT_EQ(per_entry(2), 3);  // of 5
  EXPECT_EQ(per_entry(3), 3);  // of 7
  EXPECT_EQ(per_entry(4), 4);  // of 9
  EXPECT_EQ(per_entry(127), 8);
  EXPECT_EQ(per_entry(128), 9);
  EXPECT_EQ(bytes(R"({"kind": "qsgd", "levels": 4})", 7850), Bytes{(64 + 4 * 7850) / 8.0});
}

TEST(CompressedBytes, OfSparseKindsAreThoseOfWholeEntries) {
  EXPECT_EQ(bytes(R"({"kind": "top_k", "ratio": 0.01})", 7850), Bytes{8 * 78});
  EXPECT_EQ(bytes(R"({"kind": "top_k", "ratio": 1e-6})", 7850), Bytes{8});
  EXPECT_EQ(bytes(R"({"kind": "top_k", "ratio": 0.29})", 100), Bytes{8 * 29});  // 0.29 · 100 is 28.999999999999996
  EXPECT_EQ(bytes(R"({"kind": "top_k", "ratio": 1})", 25.5e6), Bytes{8 * 25.5e6});
  EXPECT_EQ(bytes(R"({"kind": "random_k", "ratio": 0.01})", 7850), Bytes{4 * 78});
  EXPECT_EQ(bytes(R"({"kind": "random_k", "ratio": 0.01, "error_feedback": true})", 25.5e6), Bytes{4 * 255e3});
}

TEST(CompressedBytes, OfDgcFollowItsWarmUp) {
  const char* object = R"({"kind": "dgc", "ratio": 0.001, "warmup_steps": 8})";
  const std::vector<double> k{1962, 1962, 490, 490, 122, 122, 31, 31, 7, 7};  // of 7,850
  for (std::size_t step = 0; step < k.size(); ++step)
    EXPECT_EQ(bytes(object, 7850, std::int64_t(step)), Bytes{8 * k[step]}) << step;
  EXPECT_EQ(bytes(R"({"kind": "dgc", "ratio": 0.001})", 7850), Bytes{8 * 7});
  const std::vector<double> three{1962, 1962, 490, 122, 122, 31, 7};  // parts of a step and a half begin at 1.5, 3, 4.5
  for (std::size_t step = 0; step < three.size(); ++step)
    EXPECT_EQ(bytes(R"({"kind": "dgc", "ratio": 0.001, "warmup_steps": 6})", 7850, std::int64_t(step)),
              Bytes{8 * three[step]})
        << step;
}

TEST(CompressedBytes, OfPowerSgdAreTwoCollectives) {
  EXPECT_EQ(bytes(R"({"kind": "power_sgd", "rank": 2})", 7850), (Bytes{4 * (10 * 2 + 10), 4 * 784 * 2}));
  EXPECT_EQ(bytes(R"({"kind": "power_sgd", "rank": 2})", 78500), (Bytes{40 * (10 * 2 + 10), 40 * 784 * 2}));
  // (10 + 784) · 9 = 7,146 floats are less than 7,840; those of rank 10 are more, and nothing is left to compress.
  EXPECT_EQ(bytes(R"({"kind": "power_sgd", "rank": 9})", 7850), (Bytes{4 * (10 * 9 + 10), 4 * 784 * 9}));
  EXPECT_EQ(bytes(R"({"kind": "power_sgd", "rank": 10})", 7850), Bytes{4 * 7850});
  EXPECT_EQ(bytes(R"({"kind": "power_sgd", "rank": 999})", 7850), Bytes{4 * 7850});
  // Convolutions are [6, 27]; 12, 6 and 1 entries go as they are.
  EXPECT_EQ(some_tensors().make(R"({"kind": "power_sgd", "rank": 2})")->bytes(0),
            (Bytes{4 * (12 * 2 + 6 * 2 + 12 + 6 + 1), 4 * (20 * 2 + 27 * 2)}));
}

}  // namespace
}  // namespace paceline::test
