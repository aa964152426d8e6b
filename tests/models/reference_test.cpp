// The models floor alone against PyTorch 1.13.1: gradients at step 0, and trajectories of synchronous training.
#include <gtest/gtest.h>

#include "tests/models/support.hpp"

namespace paceline::testing {
namespace {

constexpr const char* mlp = R"({"kind": "mlp", "hidden": [128]})";
constexpr const char* softmax = R"({"kind": "softmax_regression"})";
constexpr const char* cnn = R"({"kind": "cnn"})";

std::shared_ptr<const Dataset> fashion() {
  static const auto data = dataset(R"({"kind": "fashion_mnist"})");
  return data;
}

// Sum, norm and ends of every tensor of a flat vector against the file's within `tolerance` of the norm.
template <class Real>
void compare(const Model& model, const std::vector<Real>& flat, const nlohmann::json& stats, double tolerance) {
  for (const Tensor& tensor : model.tensors()) {
    SCOPED_TRACE(tensor.name);
    const auto& expected = stats[tensor.name];
    const double norm = expected["l2"], close = tolerance * norm;
    const Real* own = flat.data() + tensor.offset;
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < tensor.count; ++i) sum += double(own[i]), squares += double(own[i]) * double(own[i]);
    EXPECT_NEAR(std::sqrt(squares), norm, close);
    EXPECT_NEAR(sum, expected["sum"], close * std::sqrt(double(tensor.count)));  // |Σ e| ≤ √n ‖e‖
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(own[i], expected["first4"][i], close);
      EXPECT_NEAR(own[tensor.count - 4 + i], expected["last4"][i], close);
    }
  }
}

class StepZero : public ::testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  template <class Real>
  void check(const std::vector<Real>& x, double tolerance) const {
    const auto rows = sequence(128);
    for (std::size_t w = 0; w < 4; ++w) {
      const auto made = gradient<Real>(*model_, x, *fashion(), std::span(rows).subspan(32 * w, 32), 1.0 / 32);
      const double loss = expected_["loss_per_worker"][w];
      EXPECT_NEAR(made.loss() / 32, loss, loss * tolerance) << "worker " << w;
      if (w == 0) compare(*model_, made.g, expected_["grad_w0_stats"], tolerance);
    }
    compare(*model_, gradient<Real>(*model_, x, *fashion(), rows, 1.0 / 128).g, expected_["grad_mean_stats"],
            tolerance);
  }

  nlohmann::json expected_ = reference(GetParam().first);
  std::unique_ptr<const Model> model_ = model(GetParam().second, fashion()->shape());
};

// The same arithmetic in double, sums in other orders: up to 784 + 128 + 128 terms, 1040·2⁻⁵³ = 1.2e-13.
TEST_P(StepZero, HasPyTorchsLossesAndGradientsInDouble) { check(widened(initial_parameters(*model_, 1)), 1.2e-13); }

// 1040·2⁻²⁴ = 6e-5 at the very worst; roundings of either sign add up as their root, √1040·2⁻²⁴ = 2e-6.
TEST_P(StepZero, HasThemInFloatUpToRounding) { check(initial_parameters(*model_, 1), 2e-6); }

TEST_P(StepZero, HasLossesThatFollowFromPyTorchsLogits) {
  const auto rows = sequence(4);
  std::vector<float> pixels(4 * 784);
  std::vector<std::int32_t> labels(4);
  fashion()->fetch(Part::train, rows, pixels.data(), labels.data());
  const auto made = gradient<double>(*model_, widened(initial_parameters(*model_, 1)), *fashion(), rows);
  for (std::size_t r = 0; r < 4; ++r) {
    const auto logits = expected_["logits_rows_0_to_3"][r].get<std::vector<double>>();
    double sum = 0;
    for (double z : logits) sum += std::exp(z);
    EXPECT_NEAR(made.losses[r], std::log(sum) - logits[std::size_t(labels[r])], 1e-12) << "row " << r;
  }
}

INSTANTIATE_TEST_SUITE_P(All, StepZero,
                         ::testing::Values(std::pair("grad0_mlp", mlp), std::pair("grad0_softmax", softmax),
                                           std::pair("grad0_cnn", cnn)),
                         [](const auto& suite) { return std::string(suite.param.first + 6); });

// A hundred steps of 4 × 32 rows in double: what float32 is off at their end (see numerics_reference_test.cpp) is its
// rounding, not the gradient. Here only roundings of 2⁻⁵³ are left, √(1040 · 100) of them 4e-14 of a norm; no pool's
// maximum falls the other way.
TEST(Convolutions, TrainInDoubleToPyTorchsParameters) {
  const auto file = reference("cnn_sync_sgd_lr0.02");
  const auto net = model(cnn, fashion()->shape());
  std::vector<double> x = widened(initial_parameters(*net, 1));
  const auto rows = sequence(128 * file["loss"].size());
  for (std::size_t t = 0; t < file["loss"].size(); ++t) {
    const auto made = gradient<double>(*net, x, *fashion(), std::span(rows).subspan(128 * t, 128), 1.0 / 128);
    const double loss = file["loss"][t];
    EXPECT_NEAR(made.loss() / 128, loss, 5e-9 * loss) << "step " << t;  // nine digits in the file
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= 0.02 * made.g[i];
  }
  compare(*net, x, file["final_param_stats"], 1e-11);
}

struct Trajectory {
  const char *file, *model, *optimizer;
};

// Worker w's k-th batch is rows [(4k + w)·32, …+32) of the file. Float32 and float64 runs of PyTorch differ by at most
// 1.7e-7 in these steps; the bound leaves a factor of ten for another order of summation.
class Training : public ::testing::TestWithParam<Trajectory> {
 protected:
  static constexpr double tolerance = 2e-6;

  // The mean of the workers' losses; the mean of their gradients goes into g_, made of four or as one sum.
  double step(std::uint32_t k, bool as_one_sum) {
    const std::uint32_t batches = as_one_sum ? 1 : 4, height = 128 / batches;
    std::fill(g_.begin(), g_.end(), 0.0f);
    double loss = 0;
    for (std::uint32_t w = 0; w < batches; ++w) {
      const auto made = gradient<float>(*model_, x_, *fashion(), sequence(height, k * 128 + w * height), 1.0 / height);
      for (std::size_t i = 0; i < g_.size(); ++i) g_[i] += made.g[i] / float(batches);
      loss += made.loss() / 128;
    }
    optimizer_->step(x_.data(), g_.data(), x_.data(), 1);
    return loss;
  }

  nlohmann::json expected_ = reference(GetParam().file);
  std::unique_ptr<const Model> model_ = model(GetParam().model, fashion()->shape());
  std::unique_ptr<Optimizer> optimizer_ = optimizer(GetParam().optimizer, model_->size());
  std::vector<float> x_ = initial_parameters(*model_, 1), g_ = x_;
  Workspace workspace_;
};

TEST_P(Training, OfFourWorkersFollowsPyTorchForFiftySteps) {
  for (std::uint32_t k = 0; k < 50; ++k) {
    const double loss = expected_["loss"][k];
    ASSERT_NEAR(step(k, false), loss, tolerance * loss) << "step " << k;
  }
}

TEST_P(Training, OnOneSumOfTheirRowsFollowsToo) {
  for (std::uint32_t k = 0; k < 50; ++k) {
    const double loss = expected_["loss"][k];
    ASSERT_NEAR(step(k, true), loss, tolerance * loss) << "step " << k;
  }
}

// A test image on the border between two classes may fall on either side: two of 10,000 may.
TEST_P(Training, HasPyTorchsTestLossAndAccuracyAfterAHundredSteps) {
  for (std::uint32_t k = 0; k < 100; ++k) step(k, true);
  const auto rows = sequence(10'000);
  std::vector<double> losses(rows.size());
  std::vector<std::uint8_t> hits(rows.size());
  model_->evaluate(x_.data(), Rows{*fashion(), Part::test, rows}, losses.data(), hits.data(), workspace_);
  const auto& expected = expected_["test_at_step"]["100"];
  const double loss = expected["test_loss"];
  EXPECT_NEAR(std::accumulate(losses.begin(), losses.end(), 0.0) / 10'000, loss, 5 * tolerance * loss);
  EXPECT_NEAR(std::accumulate(hits.begin(), hits.end(), 0), int(expected["test_correct"]), 2);
}

INSTANTIATE_TEST_SUITE_P(
    Synchronous, Training,
    ::testing::Values(Trajectory{"mlp_sync_sgd_lr0.1", mlp, R"({"kind": "sgd", "learning_rate": 0.1})"},
                      Trajectory{"softmax_sync_sgd_lr0.1", softmax, R"({"kind": "sgd", "learning_rate": 0.1})"},
                      Trajectory{"mlp_sync_mom0.9_lr0.01", mlp,
                                 R"({"kind": "sgd", "learning_rate": 0.01, "momentum": 0.9})"},
                      Trajectory{"softmax_sync_mom0.9_lr0.01_wd1e-4", softmax,
                                 R"({"kind": "sgd", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 1e-4})"},
                      Trajectory{"softmax_sync_nesterov0.9_lr0.01", softmax,
                                 R"({"kind": "sgd", "learning_rate": 0.01, "momentum": 0.9, "nesterov": true})"}),
    [](const auto& suite) {
      std::string name = suite.param.file;
      for (char& letter : name)
        if (!std::isalnum(static_cast<unsigned char>(letter))) letter = '_';
      return name;
    });

}  // namespace
}  // namespace paceline::testing
