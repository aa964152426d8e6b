#include <gtest/gtest.h>

#include <bit>

#include "sim/core/digest.hpp"
#include "tests/models/support.hpp"

namespace paceline::testing {
namespace {

constexpr DataShape fashion{.features = 784, .classes = 10, .train_rows = 1, .test_rows = 1, .height = 28, .width = 28};

class Initialization : public ::testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  nlohmann::json expected_ = reference(GetParam().first);
  std::unique_ptr<const Model> model_ = model(GetParam().second, fashion);
  std::vector<float> x_ = initial_parameters(*model_, 1);
};

TEST_P(Initialization, LaysTensorsOutAsTheReferenceDoes) {
  ASSERT_EQ(model_->tensors().size(), expected_["tensors"].size());
  for (std::size_t i = 0; i < model_->tensors().size(); ++i) {
    const Tensor& tensor = model_->tensors()[i];
    const auto& expected = expected_["tensors"][i];
    EXPECT_EQ(tensor.name, expected["name"]);
    EXPECT_EQ(tensor.shape, expected["shape"].get<std::vector<int>>());
    EXPECT_EQ(tensor.fan_in, expected["fan_in"]);
    EXPECT_EQ(tensor.offset, expected["offset_floats"]);
    EXPECT_EQ(tensor.count, expected["count"]);
  }
  EXPECT_EQ(model_->size(), expected_["total_floats"]);
}

TEST_P(Initialization, HasTheReferencesBits) {
  std::string bytes;
  for (float value : x_)
    for (unsigned shift = 0; shift < 32; shift += 8) bytes += char(std::bit_cast<std::uint32_t>(value) >> shift);
  EXPECT_EQ(Digest().add(bytes).hex(), expected_["sha256"]);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(double(x_[i]), expected_["first8"][i]);
}

// Sums in double in another order: n terms below 1 differ by less than n²·2⁻⁵³ < 1.2e-6 at worst, by 1e-12 in fact.
TEST_P(Initialization, HasTheReferencesSums) {
  for (const Tensor& tensor : model_->tensors()) {
    double sum = 0, squares = 0;
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.count; ++i)
      sum += double(x_[i]), squares += double(x_[i]) * double(x_[i]);
    EXPECT_NEAR(sum, expected_["stats"][tensor.name]["sum"], 1e-11) << tensor.name;
    EXPECT_NEAR(std::sqrt(squares), expected_["stats"][tensor.name]["l2"], 1e-11) << tensor.name;
  }
}

TEST_P(Initialization, StaysWithinOneOverTheRootOfTheFanIn) {
  for (const Tensor& tensor : model_->tensors())
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.count; ++i)
      ASSERT_LE(std::abs(double(x_[i])), double(float(1 / std::sqrt(double(tensor.fan_in)))))
          << tensor.name << " " << i;
}

TEST_P(Initialization, DiffersFromSeedToSeed) { EXPECT_NE(initial_parameters(*model_, 2), x_); }

INSTANTIATE_TEST_SUITE_P(Seed1, Initialization,
                         ::testing::Values(std::pair("init_mlp_seed1", R"({"kind": "mlp", "hidden": [128]})"),
                                           std::pair("init_softmax_seed1", R"({"kind": "softmax_regression"})"),
                                           std::pair("init_cnn_seed1", R"({"kind": "cnn"})")),
                         [](const auto& suite) {
                           const std::string file = suite.param.first;
                           return file.substr(5, file.rfind('_') - 5);
                         });

}  // namespace
}  // namespace paceline::testing
