// What the tests of the numerics share: things made from a line of JSON, blobs, rows, the reference files.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "models/dataset.hpp"
#include "models/model.hpp"
#include "models/optimizer.hpp"
#include "sim/core/document.hpp"

namespace paceline::testing {

// What a registry makes of {"kind": …, …}.
template <class Maker>
Maker read_kind(const Registry<Maker>& registry, std::string_view object, std::uint64_t seed = 0) {
  Node node = parse_document("{\"it\": " + std::string(object) + "}", "test");
  Reader::Context context;
  context.seed = seed;
  return Reader(node, "", context).kind("it", registry, {});
}

inline std::shared_ptr<const Dataset> dataset(std::string_view object, std::uint64_t seed = 0) {
  return read_kind(datasets::all(), object, seed).load();
}
inline std::unique_ptr<const Model> model(std::string_view object, const DataShape& shape) {
  return read_kind(models::all(), object).make(shape);
}
inline std::unique_ptr<Optimizer> optimizer(std::string_view object, const std::vector<std::size_t>& tensors) {
  return read_kind(optimizers::all(), object).make(tensors);
}
inline std::unique_ptr<Optimizer> optimizer(std::string_view object, std::size_t size) {
  return optimizer(object, std::vector{size});
}

// first, first + 1, …
inline std::vector<std::uint32_t> sequence(std::size_t count, std::uint32_t first = 0) {
  std::vector<std::uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), first);
  return rows;
}

template <class Real>
struct Gradient {
  std::vector<Real> g;
  std::vector<double> losses;
  double loss() const { return std::accumulate(losses.begin(), losses.end(), 0.0); }
};

// The sum over the rows times scale. What g held before must not matter: it holds NaNs.
template <class Real>
Gradient<Real> gradient(const Model& model, const std::vector<Real>& x, const Dataset& data,
                        std::span<const std::uint32_t> rows, double scale = 1) {
  Gradient<Real> made{std::vector<Real>(model.size(), Real(NAN)), std::vector<double>(rows.size(), NAN)};
  Workspace workspace;
  model.gradient(x.data(), Rows{data, Part::train, rows}, Real(scale), made.g.data(), made.losses.data(), workspace);
  return made;
}

inline std::vector<double> widened(const std::vector<float>& x) { return {x.begin(), x.end()}; }

// A file of tests/data/numerics: PyTorch in double arithmetic (see the README there).
inline nlohmann::json reference(const std::string& name) {
  const std::string path = PACELINE_SOURCE_DIR "/tests/data/numerics/" + name + ".json";
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  return nlohmann::json::parse(file);
}

// Rows of a data set as images.
class Imaged : public Dataset {
 public:
  Imaged(std::shared_ptr<const Dataset> data, int channels, int height, int width)
      : data_(std::move(data)), shape_(data_->shape()) {
    shape_.channels = channels, shape_.height = height, shape_.width = width;
  }
  const DataShape& shape() const override { return shape_; }
  void fetch(Part part, std::span<const std::uint32_t> rows, float* x, std::int32_t* labels) const override {
    data_->fetch(part, rows, x, labels);
  }

 private:
  std::shared_ptr<const Dataset> data_;
  DataShape shape_;
};

inline std::shared_ptr<const Dataset> blobs(int features, int classes) {
  return dataset("{\"kind\": \"blobs\", \"features\": " + std::to_string(features) + ", \"classes\": " +
                 std::to_string(classes) + ", \"train_rows\": 700, \"test_rows\": 50, \"spread\": 0.5, \"seed\": 3}");
}
inline std::shared_ptr<const Dataset> images(int channels, int height, int width, int classes) {
  return std::make_shared<const Imaged>(blobs(channels * height * width, classes), channels, height, width);
}
// 4,501 characters of five sorts in an order of no simple rule: 900 rows of context 5.
inline std::shared_ptr<const Dataset> letters() {
  const std::string path = ::testing::TempDir() + "paceline_letters." + std::to_string(getpid()) + ".txt";
  std::ofstream file(path);
  for (unsigned i = 0; i <= 4'500; ++i) file << "abcde"[(i * i / 7 + i / 3) % 5];
  file.close();
  const auto data = dataset("{\"kind\": \"text\", \"path\": \"" + path + "\", \"context\": 5}");
  std::filesystem::remove(path);
  return data;
}

// A model and data that suit it.
struct Pair {
  std::string model;
  std::shared_ptr<const Dataset> data;
};

// Some of every kind of model; a kind without one fails the tests that loop over all.
inline std::vector<Pair> pairs(const std::string& kind) {
  if (kind == "softmax_regression")
    return {{R"({"kind": "softmax_regression"})", blobs(6, 4)}, {R"({"kind": "softmax_regression"})", blobs(1, 2)}};
  if (kind == "mlp")
    return {{R"({"kind": "mlp", "hidden": [5]})", blobs(6, 4)},
            {R"({"kind": "mlp", "hidden": [1]})", blobs(6, 4)},
            {R"({"kind": "mlp", "hidden": [17]})", blobs(11, 3)},
            {R"({"kind": "mlp", "hidden": [5]})", blobs(1, 2)},
            {R"({"kind": "mlp", "hidden": [7, 3]})", blobs(6, 4)},
            {R"({"kind": "mlp", "hidden": [4, 6, 5]})", blobs(6, 4)}};
  if (kind == "cnn") {
    const auto net = [](const std::string& layers) { return R"({"kind": "cnn", "layers": [)" + layers + "]}"; };
    const std::string relu = R"({"kind": "relu"}, )", pool = R"({"kind": "max_pool", "size": 2})";
    return {{net(R"({"kind": "conv", "channels": 3, "kernel": 3}, )" + relu + pool), images(1, 7, 6, 3)},
            {net(R"({"kind": "conv", "channels": 5, "kernel": 2, "padding": 1}, )" + relu +
                 R"({"kind": "conv", "channels": 2, "kernel": 3, "stride": 2, "padding": 1}, )" + pool),
             images(2, 6, 5, 4)},
            {net(R"({"kind": "max_pool", "size": 3}, )" + relu +
                 R"({"kind": "conv", "channels": 2, "kernel": 1, "stride": 2}, )" + relu +
                 R"({"kind": "linear", "width": 5}, {"kind": "relu"})"),
             images(3, 9, 10, 2)},
            {net(R"({"kind": "conv", "channels": 4, "kernel": 7, "padding": 6, "stride": 3})"), images(1, 4, 8, 3)},
            {net(""), images(1, 3, 3, 3)}};
  }
  if (kind == "linear_regression")
    return {{R"({"kind": "linear_regression"})",
             dataset(R"({"kind": "linear", "features": 7, "rows": 700, "test_rows": 50, "seed": 3})")}};
  if (kind == "quadratic") {
    const auto noise = dataset(R"({"kind": "quadratic_noise", "dimension": 9, "sigma": 0.5, "rows": 700, "seed": 3})");
    return {{R"({"kind": "quadratic"})", noise}, {R"({"kind": "quadratic", "start": 2})", noise}};
  }
  if (kind == "char_transformer")
    return {{R"({"kind": "char_transformer", "width": 6, "heads": 2, "depth": 2, "feed_forward": 7})", letters()},
            {R"({"kind": "char_transformer", "width": 3, "heads": 3, "depth": 1})", letters()}};
  return {};
}

}  // namespace paceline::testing
