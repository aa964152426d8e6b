// Whole runs of models without classes, and of one with a class for every position.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

// Of the next character given the last one: what no model of pairs can beat on this text.
double bigram_entropy(const std::string& text) {
  std::map<char, double> single;
  std::map<std::pair<char, char>, double> pairs;
  for (std::size_t i = 0; i + 1 < text.size(); ++i) single[text[i]] += 1, pairs[{text[i], text[i + 1]}] += 1;
  double sum = 0;
  for (const auto& [pair, count] : pairs) sum -= count * std::log(count / single[pair.first]);
  return sum / double(text.size() - 1);
}

TEST(CharTransformer, LearnsMoreThanPairsOfCharacters) {
  const auto made = run("tests/data/scenarios/char_transformer.json", {}, 2);
  const double entropy = bigram_entropy(read_text(path_of("models/data/texts/cluster.txt")));
  const CurvePoint& last = made.results.curve.back();
  EXPECT_NEAR(entropy, 1.994, 0.001);  // nats
  EXPECT_LT(last.test_loss.value(), 0.8 * entropy);
  EXPECT_LT(last.train_loss.value(), entropy);
  EXPECT_GT(last.test_accuracy.value(), 0.45);
  EXPECT_LE(last.test_accuracy.value(), 1);
  EXPECT_TRUE(made.results.all_hold());
}

// x ← x − η(Ax − b) in double, by the definition; f in float32 has an error below 20·2⁻²⁴.
TEST(Quadratic, DescendsAsItsDefinitionInDouble) {
  const auto made = run("tests/data/scenarios/quadratic.json");
  std::vector<double> x(20), slope(20);
  const auto at = [&](int i) { return i < 0 || i >= 20 ? 0 : x[std::size_t(i)]; };
  std::size_t point = 0;
  for (int k = 0; k <= 100; ++k) {
    double f = x[0] / 4;
    for (int i = 0; i < 20; ++i) {
      const double product = (2 * at(i) - at(i - 1) - at(i + 1)) / 4;
      slope[std::size_t(i)] = product + (i == 0 ? 0.25 : 0);
      f += 0.5 * at(i) * product;
    }
    if (k > 0 && k % 10 == 0) {
      const CurvePoint& own = made.results.curve.at(point++);
      EXPECT_EQ(own.step, k);
      EXPECT_NEAR(own.test_loss.value(), f, 1.2e-6);
      EXPECT_FALSE(own.test_accuracy.has_value());
    }
    for (std::size_t i = 0; i < 20; ++i) x[i] -= slope[i];
  }
  EXPECT_FALSE(made.results.best_test_accuracy.has_value());
}

// σ²(features + 1)/(2·rows) above ½σ² at the best; SGD at this rate stays within a few percent.
TEST(LinearRegression, FindsTheNoise) {
  const auto made = run(
      "tests/data/scenarios/quadratic.json",
      {"workload.model={\"kind\": \"linear_regression\"}", "training.optimizer.learning_rate=0.05",
       "workload.dataset={\"kind\": \"linear\", \"noise\": 0.5}", "workload.batch_size=32", "training.stop.steps=400"});
  EXPECT_NEAR(made.results.curve.back().test_loss.value(), 0.125, 0.02);
  EXPECT_FALSE(made.results.curve.back().test_accuracy.has_value());
}

}  // namespace
}  // namespace paceline::test
