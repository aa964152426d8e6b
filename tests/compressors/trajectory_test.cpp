// Synchronous training through a compressor against trajectories made with PyTorch 1.13.1 in double: models, batches
// and the plain step x ← x - ηg, without a clock.
#include <gtest/gtest.h>

#include "tests/compressors/support.hpp"
#include "tests/models/support.hpp"

namespace paceline::test {
namespace {

struct Trained {
  const char *file, *compressor;
  float learning_rate;
};

class Trajectories : public ::testing::TestWithParam<Trained> {};

// PyTorch's own float32 stays within 2.2e-7 of its float64 over the first 50 entries of both; ours sums in another
// order, 2e-6, as without compression. The file tells where the two part: where an entry's sign, or its place among the
// largest, is a matter of rounding. From the first such entry on 20 times the bound that PyTorch keeps is allowed.
double tolerance_at(std::size_t step, const nlohmann::json& file) {
  const auto& partings = file["tolerance"]["first_index_where_float32_and_float64_differ_by_more_than"];
  for (const char* bound : {"1e-06", "1e-05", "0.0001", "0.001"})
    if (partings[bound].is_null() || double(step) <= 0.8 * partings[bound].get<double>())
      return bound == std::string_view("1e-06") ? step < 50 ? 2e-6 : 5e-6 : 20 * std::stod(bound);
  return INFINITY;
}

TEST_P(Trajectories, AreThoseOfPyTorch) {
  const auto [name, object, learning_rate] = GetParam();
  const auto file = testing::reference(name);
  const auto data = testing::dataset(R"({"kind": "fashion_mnist"})");
  const auto model = testing::model(R"({"kind": "softmax_regression"})", data->shape());
  const auto compressor = compressor_maker(object).make({model->tensors(), model->size(), double(model->size()), 4, 1});
  Vector x = initial_parameters(*model, 1), update(model->size());
  const std::size_t steps = file["loss"].size();
  for (std::size_t step = 0; step < steps; ++step) {
    std::vector<Vector> gradients;
    double loss = 0;
    for (std::size_t w = 0; w < 4; ++w) {
      const auto rows = testing::sequence(32, std::uint32_t(4 * step + w) * 32);
      auto made = testing::gradient<float>(*model, x, *data, rows, 1.0 / 32);
      loss += made.loss() / 128;
      gradients.push_back(std::move(made.g));
    }
    const double expected = file["loss"][step];
    ASSERT_NEAR(loss, expected, (tolerance_at(step, file) + 5e-9) * expected) << "step " << step;
    update = reduced(*compressor, std::int64_t(step), gradients, {0.25, 0.25, 0.25, 0.25});
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= learning_rate * update[i];
    if (step >= file["compressor_info_first5"].size()) continue;
    const auto& info = file["compressor_info_first5"][step];
    const auto zeros = std::count(update.begin(), update.end(), 0.0f);
    if (info.contains("zeros")) {
      EXPECT_EQ(zeros, info["zeros"]) << "step " << step;
      EXPECT_EQ(std::count(update.begin(), update.end(), 1.0f), info["pos"]) << "step " << step;
    } else {
      EXPECT_EQ(std::int64_t(x.size()) - zeros, info["union_nnz"]) << "step " << step;
      double squares = 0;
      for (const float e : compressor->residual(0)) squares += double(e) * double(e);
      const double norm = info["err_l2_w0"];
      EXPECT_NEAR(std::sqrt(squares), norm, 2e-6 * norm) << "step " << step;
    }
  }
  // Of 10,000 test images 20 may lie between two classes.
  const auto rows = testing::sequence(10000);
  std::vector<double> losses(rows.size());
  std::vector<std::uint8_t> hits(rows.size());
  Workspace workspace;
  model->evaluate(x.data(), Rows{*data, Part::test, rows}, losses.data(), hits.data(), workspace);
  EXPECT_NEAR(std::accumulate(hits.begin(), hits.end(), 0), file["final"]["test_correct"].get<int>(), 20);
}

INSTANTIATE_TEST_SUITE_P(
    All, Trajectories,
    ::testing::Values(Trained{"softmax_sync_topk1pct_ef_lr0.1", R"({"kind": "top_k", "ratio": 0.01})", 0.1f},
                      Trained{"softmax_sync_signsgd_majority_lr1e-3", R"({"kind": "sign_majority"})", 1e-3f}),
    [](const auto& suite) { return std::string(suite.index == 0 ? "top_k" : "sign_majority"); });

}  // namespace
}  // namespace paceline::test
