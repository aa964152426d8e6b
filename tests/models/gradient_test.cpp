// Every registered model, in several sizes, on data that suit it: its gradient against finite differences, float
// against double, a batch against its parts, evaluation against the gradient's losses.
#include <gtest/gtest.h>
#include <omp.h>

#include <cstring>
#include <thread>

#include "tests/models/support.hpp"

namespace paceline::testing {
namespace {

constexpr double unit = 0x1p-24;       // half the spacing of float at 1
constexpr double wide_unit = 0x1p-53;  // and of double

// Calls each(model, data) for every pair of every registered kind.
template <class Each>
void for_models(const Each& each) {
  for (const std::string& kind : models::all().kinds()) {
    const auto chosen = pairs(kind);
    EXPECT_FALSE(chosen.empty()) << "nothing for model " << kind << " in tests/models/support.hpp";
    for (const auto& [text, data] : chosen) {
      SCOPED_TRACE(text);
      each(*model(text, data->shape()), *data);
    }
  }
}

std::size_t labels(const Dataset& data, std::size_t rows) { return rows * std::size_t(data.shape().labels); }

// The most terms that meet in one number: the widest tensor's fan-in, one layer after the other, and the rows.
double longest_sum(const Model& model, std::size_t rows) {
  double longest = double(rows);
  for (const Tensor& tensor : model.tensors()) longest += tensor.fan_in;
  return longest;
}

// Let f be the loss of 7 rows along one coordinate. Within one piece of the ReLUs the logits are z + t·d, so f''' is at
// most 0.0963·(2 max|d|)³ a row (the greatest third central moment on an interval); with |x| ≤ 4 and weights of
// ±1/√fan_in max|d| < 8. Central differences of width h = 1e-5 are then off by at most 7·h²/6·395 = 5e-8, and by the
// rounding of f ≈ 20 in about 60 operations, 60·20·2⁻⁵³/h = 1.4e-8. A kink within h of a row would show as an error
// near 1.
// Convolutional nets are of the same pieces; transformers are smooth, with derivatives of the order of 1, so that
// rounding is what is left; a quadratic's differences are exact but for rounding.
TEST(Gradient, AgreesWithFiniteDifferencesInDouble) {
  const auto rows = sequence(7);
  for_models([&](const Model& model, const Dataset& data) {
    auto x = widened(initial_parameters(model, 5));
    const auto exact = gradient<double>(model, x, data, rows);
    double largest = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double h = 1e-5, at = x[i];
      x[i] = at + h;
      const double above = gradient<double>(model, x, data, rows).loss();
      x[i] = at - h;
      const double below = gradient<double>(model, x, data, rows).loss();
      x[i] = at;
      EXPECT_NEAR(exact.g[i], (above - below) / (2 * h), 7e-8) << "entry " << i;
      largest = std::max(largest, std::abs(exact.g[i]));
    }
    EXPECT_GT(largest, 0.1);  // the comparison was not of zeros
  });
}

// One number of the gradient is a sum over paths of terms below scale·4 a row (|x| ≤ 4, |∂loss/∂z| ≤ 1, paths through
// weights of ±1/√fan_in below 1), each rounded once per addition it goes through: error ≤ longest·u·rows·scale·4.
TEST(Gradient, InFloatIsTheOneInDoubleUpToRounding) {
  const auto rows = sequence(64);
  for_models([&](const Model& model, const Dataset& data) {
    const auto x = initial_parameters(model, 5);
    const auto narrow = gradient<float>(model, x, data, rows, 1.0 / 64);
    const auto wide = gradient<double>(model, widened(x), data, rows, 1.0 / 64);
    const double tolerance = 4 * longest_sum(model, rows.size()) * unit;
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(narrow.g[i], wide.g[i], tolerance) << "entry " << i;
    for (std::size_t r = 0; r < rows.size(); ++r)
      EXPECT_NEAR(narrow.losses[r], wide.losses[r], tolerance) << "row " << r;
  });
}

// 700 rows are two blocks, their parts of 300 and 400 one each: other orders of summation, the same bound as above.
TEST(Gradient, OfABatchIsTheSumOfItsParts) {
  const auto rows = sequence(700);
  const std::span all(rows);
  for_models([&](const Model& model, const Dataset& data) {
    const auto check = [&]<class Real>(const std::vector<Real>& x, double u) {
      const auto whole = gradient<Real>(model, x, data, all, 1.0 / 700);
      const auto front = gradient<Real>(model, x, data, all.first(300), 1.0 / 700);
      const auto back = gradient<Real>(model, x, data, all.last(400), 1.0 / 700);
      const double tolerance = 2 * 4 * longest_sum(model, 700) * u;
      for (std::size_t i = 0; i < x.size(); ++i)
        EXPECT_NEAR(whole.g[i], double(front.g[i]) + double(back.g[i]), tolerance) << "entry " << i;
      for (std::size_t r = 0; r < 700; ++r)
        EXPECT_NEAR(whole.losses[r], r < 300 ? front.losses[r] : back.losses[r - 300], tolerance) << "row " << r;
    };
    check(initial_parameters(model, 5), unit);
    check(widened(initial_parameters(model, 5)), wide_unit);
  });
}

TEST(Gradient, IsLinearInTheScale) {
  const auto rows = sequence(33);
  for_models([&](const Model& model, const Dataset& data) {
    const auto x = initial_parameters(model, 5);
    const auto once = gradient<float>(model, x, data, rows, 1), fourfold = gradient<float>(model, x, data, rows, 4);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(fourfold.g[i], 4 * once.g[i]);  // a power of 2 is exact
    EXPECT_EQ(fourfold.losses, once.losses);
  });
}

TEST(Gradient, OfNoRowsIsZero) {
  for_models([&](const Model& model, const Dataset& data) {
    EXPECT_EQ(gradient<float>(model, initial_parameters(model, 5), data, {}).g, std::vector<float>(model.size(), 0.0f));
  });
}

TEST(Gradient, FollowsTheOrderOfTheRowsGiven) {
  const std::vector<std::uint32_t> rows{30, 2, 2, 17};
  for_models([&](const Model& model, const Dataset& data) {
    const auto x = widened(initial_parameters(model, 5));
    const auto made = gradient<double>(model, x, data, rows);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto alone = gradient<double>(model, x, data, std::span(rows).subspan(r, 1));
      EXPECT_NEAR(made.losses[r], alone.losses[0], longest_sum(model, 1) * 8 * wide_unit);
    }
  });
}

// A row's hit by brute force: its loss is not above what it would be under any other label: the loss is lse − z_label.
class Relabelled : public Dataset {
 public:
  Relabelled(const Dataset& data, int shift) : data_(data), shift_(shift) {}
  const DataShape& shape() const override { return data_.shape(); }
  void fetch(Part part, std::span<const std::uint32_t> rows, float* x, std::int32_t* labels) const override {
    data_.fetch(part, rows, x, labels);
    for (std::size_t r = 0; r < rows.size(); ++r) labels[r] = (labels[r] + shift_) % shape().classes;
  }

 private:
  const Dataset& data_;
  int shift_;
};

TEST(Evaluation, HasTheGradientsLosses) {
  const auto rows = sequence(700);
  for_models([&](const Model& model, const Dataset& data) {
    const auto x = initial_parameters(model, 5);
    Workspace workspace;
    std::vector<double> losses(rows.size());
    std::vector<std::uint8_t> hits(labels(data, rows.size()));
    model.evaluate(x.data(), Rows{data, Part::train, rows}, losses.data(), hits.data(), workspace);
    EXPECT_EQ(losses, gradient<float>(model, x, data, rows).losses);
  });
}

TEST(Evaluation, HitsTheGreatestLogit) {
  const auto rows = sequence(700);
  for_models([&](const Model& model, const Dataset& data) {
    if (data.shape().labels != 1) return;
    const auto x = initial_parameters(model, 5);
    Workspace workspace;
    const auto classes = std::size_t(data.shape().classes);
    std::vector<std::vector<double>> losses(classes, std::vector<double>(rows.size()));
    std::vector<std::vector<std::uint8_t>> hits(classes, std::vector<std::uint8_t>(rows.size(), 7));
    for (std::size_t shift = 0; shift < classes; ++shift)
      model.evaluate(x.data(), Rows{Relabelled(data, int(shift)), Part::train, rows}, losses[shift].data(),
                     hits[shift].data(), workspace);
    std::size_t right = 0;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      double least = INFINITY;
      for (const auto& under : losses) least = std::min(least, under[r]);
      for (std::size_t shift = 0; shift < classes; ++shift)
        EXPECT_EQ(int(hits[shift][r]), int(losses[shift][r] == least)) << "row " << r;
      right += hits[0][r];
    }
    EXPECT_GT(right, 0u);
    EXPECT_LT(right, rows.size());
  });
}

TEST(Evaluation, OfEqualLogitsPredictsTheFirstClass) {
  const auto rows = sequence(40);
  for_models([&](const Model& model, const Dataset& data) {
    std::vector<float> x(40 * data.shape().numbers());
    std::vector<std::int32_t> own(labels(data, 40));
    data.fetch(Part::train, rows, x.data(), own.data());
    std::vector<double> losses(40);
    std::vector<std::uint8_t> hits(own.size(), 7);
    Workspace workspace;
    model.evaluate(std::vector<float>(model.size()).data(), Rows{data, Part::train, rows}, losses.data(), hits.data(),
                   workspace);
    for (std::size_t i = 0; i < hits.size(); ++i) EXPECT_EQ(int(hits[i]), int(own[i] == 0)) << "label " << i;
  });
}

TEST(Evaluation, ReadsThePartItIsGiven) {
  for_models([&](const Model& model, const Dataset& data) {
    const auto rows = sequence(std::min<std::size_t>(50, data.shape().test_rows));
    const auto x = initial_parameters(model, 5);
    std::vector<double> train(rows.size()), test(rows.size());
    std::vector<std::uint8_t> hits(labels(data, rows.size()));
    Workspace workspace;
    model.evaluate(x.data(), Rows{data, Part::train, rows}, train.data(), hits.data(), workspace);
    model.evaluate(x.data(), Rows{data, Part::test, rows}, test.data(), hits.data(), workspace);
    EXPECT_NE(train, test);
  });
}

TEST(Evaluation, OfParametersThatDivergedHitsNothingAndSaysNaN) {
  const auto rows = sequence(20);
  for_models([&](const Model& model, const Dataset& data) {
    const std::vector<float> x(model.size(), NAN);
    std::vector<double> losses(20);
    std::vector<std::uint8_t> hits(labels(data, 20), 1);
    Workspace workspace;
    model.evaluate(x.data(), Rows{data, Part::train, rows}, losses.data(), hits.data(), workspace);
    for (double loss : losses) EXPECT_TRUE(std::isnan(loss));
    for (int hit : hits) EXPECT_EQ(hit, 0);
  });
}

TEST(Numerics, RepeatToTheBitOnOneThreadAndOnTwo) {
  const auto own = blobs(50, 7);
  const Dataset& data = *own;
  const auto rows = sequence(700);
  const auto wide = model(R"({"kind": "mlp", "hidden": [64]})", data.shape());
  const auto x = initial_parameters(*wide, 5);
  const auto first = gradient<float>(*wide, x, data, rows);
  // Own threads, which nobody told about OpenMP, and one workspace over calls of different heights.
  const auto work = [&](int& same) {
    Workspace workspace;
    std::vector<float> g(wide->size());
    std::vector<double> losses(rows.size());
    for (int i = 0; i < 20; ++i) {
      wide->gradient(x.data(), Rows{data, Part::train, std::span(rows).first(32)}, 1.0f, g.data(), losses.data(),
                     workspace);
      wide->gradient(x.data(), Rows{data, Part::train, rows}, 1.0f, g.data(), losses.data(), workspace);
      same += std::memcmp(g.data(), first.g.data(), g.size() * sizeof(float)) == 0 && losses == first.losses;
    }
  };
  int alone = 0, left = 0, right = 0;
  work(alone);
  std::thread other(work, std::ref(left)), another(work, std::ref(right));
  other.join();
  another.join();
  EXPECT_EQ(alone, 20);
  EXPECT_EQ(left, 20);
  EXPECT_EQ(right, 20);
}

TEST(Numerics, KeepOpenMpToTheThreadThatComputes) {
  const auto rows = sequence(8);
  for_models([&](const Model& model, const Dataset& data) {
    std::vector<float> x = initial_parameters(model, 5);
    std::vector<double> losses(8);
    std::vector<std::uint8_t> hits(labels(data, 8));
    Workspace workspace;
    int after_gradient = 0, after_evaluation = 0;
    std::thread([&] {
      omp_set_num_threads(2);
      model.gradient(x.data(), Rows{data, Part::train, rows}, 1.0f, std::vector<float>(x).data(), losses.data(),
                     workspace);
      after_gradient = omp_get_max_threads();
      omp_set_num_threads(2);
      model.evaluate(x.data(), Rows{data, Part::train, rows}, losses.data(), hits.data(), workspace);
      after_evaluation = omp_get_max_threads();
    }).join();
    EXPECT_EQ(after_gradient, 1);
    EXPECT_EQ(after_evaluation, 1);
  });
}

TEST(Layers, OwnEveryTensorOnceInOrderAndCostSomething) {
  for_models([&](const Model& model, const Dataset&) {
    std::size_t next = 0, own = 0;
    for (const LayerCost& layer : model.layers()) {
      EXPECT_EQ(layer.first_tensor, next) << layer.name;
      double bytes = 0;
      for (std::size_t i = next; i < next + layer.tensors; ++i) bytes += 4 * double(model.tensors().at(i).count);
      next += layer.tensors;
      EXPECT_EQ(layer.weight_bytes, bytes) << layer.name;
      EXPECT_GT(layer.flops, 0) << layer.name;
      EXPECT_GT(layer.activation_bytes, 0) << layer.name;
      EXPECT_GE(layer.backward_factor, 1) << layer.name;
      own += layer.tensors > 0;
    }
    EXPECT_EQ(next, model.tensors().size());
    EXPECT_GT(own, 0u);
  });
}

TEST(Layers, OfAnMlpCostWhatTheirShapesSay) {
  const DataShape fashion{.features = 784, .classes = 10, .train_rows = 1, .test_rows = 1, .width = 784};
  const auto layers = model(R"({"kind": "mlp", "hidden": [128]})", fashion)->layers();
  ASSERT_EQ(layers.size(), 3u);
  EXPECT_EQ(layers[0].name, "fc1");
  EXPECT_EQ(layers[0].flops, 2 * 784 * 128);
  EXPECT_EQ(layers[0].weight_bytes, 4 * (784 * 128 + 128));
  EXPECT_EQ(layers[0].activation_bytes, 4 * (784 + 128));
  EXPECT_EQ(layers[0].backward_factor, 2);
  EXPECT_EQ(layers[1].name, "relu1");
  EXPECT_EQ(layers[1].flops, 128);
  EXPECT_EQ(layers[1].activation_bytes, 4 * 2 * 128);
  EXPECT_EQ(layers[1].backward_factor, 1);
  EXPECT_EQ(layers[2].name, "fc2");
  EXPECT_EQ(layers[2].flops, 2 * 128 * 10);
}

}  // namespace
}  // namespace paceline::testing
