// What the tests of the numerics share: things made from a line of JSON, blobs, rows, the reference files.
#pragma once
#include <cmath>
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

// A configuration or more of every kind of model; a kind without one fails the tests that loop over all.
inline std::vector<std::string> configurations(const std::string& kind) {
  if (kind == "softmax_regression") return {R"({"kind": "softmax_regression"})"};
  if (kind == "mlp")
    return {R"({"kind": "mlp", "hidden": [5]})", R"({"kind": "mlp", "hidden": [1]})",
            R"({"kind": "mlp", "hidden": [17]})", R"({"kind": "mlp", "hidden": [7, 3]})",
            R"({"kind": "mlp", "hidden": [4, 6, 5]})"};
  return {};
}

}  // namespace paceline::testing
