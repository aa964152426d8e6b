// How well whole runs train: test accuracy on Fashion-MNIST after ten epochs of 4 workers × 32, learning rate 0.1,
// shuffled, mean over five seeds, against PyTorch 1.13's mean on the same task. Its standard deviations over seeds are
// 0.002 to 0.007, so that a mean of five is good to 0.003; the bound of 0.01 leaves three times that.
#include <gtest/gtest.h>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

struct Task {
  const char *name, *model, *strategy, *optimizer;
  double accuracy;
};
void PrintTo(const Task& task, std::ostream* out) { *out << task.name; }

constexpr const char* sgd = R"({"kind": "sgd", "learning_rate": 0.1})";
constexpr const char* momentum = R"({"kind": "sgd", "learning_rate": 0.05, "momentum": 0.9})";
constexpr const char* mlp = R"({"kind": "mlp", "hidden": [128]})";

class TrainingQuality : public ::testing::TestWithParam<Task> {};

TEST_P(TrainingQuality, IsPyTorchs) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ten epochs take minutes with a sanitizer, and run no other code than the reference trajectories";
#endif
  const Task& task = GetParam();
  constexpr int seeds = 5;
  double sum = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    const test::Run made = test::run(
        "tests/data/scenarios/quality.json",
        {fmt::format("seed={}", seed), std::string("workload.model=") + task.model,
         std::string("training.strategy=") + task.strategy, std::string("training.optimizer=") + task.optimizer});
    EXPECT_EQ(made.results.reason, "epochs");
    EXPECT_TRUE(made.results.all_hold());
    sum += made.results.curve.back().test_accuracy.value();
  }
  EXPECT_NEAR(sum / seeds, task.accuracy, 0.01);
  RecordProperty("accuracy", fmt::format("{:.4f}", sum / seeds));
}

INSTANTIATE_TEST_SUITE_P(
    All, TrainingQuality,
    ::testing::Values(Task{"mlp_bsp", mlp, R"({"kind": "bsp"})", sgd, 0.861},
                      Task{"mlp_bsp_momentum", mlp, R"({"kind": "bsp"})", momentum, 0.875},
                      Task{"mlp_async", mlp, R"({"kind": "async"})", sgd, 0.872},
                      Task{"mlp_local_sgd", mlp, R"({"kind": "local_sgd", "period": 8})", sgd, 0.865},
                      Task{"softmax_bsp", R"({"kind": "softmax_regression"})", R"({"kind": "bsp"})", sgd, 0.835},
                      Task{"cnn_bsp", R"({"kind": "cnn"})", R"({"kind": "bsp"})", sgd, 0.876}),
    [](const auto& suite) { return std::string(suite.param.name); });

}  // namespace
}  // namespace paceline::test
