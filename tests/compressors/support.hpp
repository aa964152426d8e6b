// What the tests of compressors share: a configuration or more of every kind, tensors to compress, gradients.
#pragma once
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "sim/compressors/compressor.hpp"
#include "sim/core/random.hpp"

namespace paceline::test {

using Vector = std::vector<float>;

inline CompressorMaker compressor_maker(std::string_view object) {
  Node node = parse_document("{\"it\": " + std::string(object) + "}", "test");
  Reader::Context context;
  return Reader(node, "", context).kind("it", compressors::all(), {});
}

// Makes them for tensors of these shapes, with as many entries on the wire as there are, unless said otherwise.
struct Target {
  std::vector<Tensor> tensors;
  std::size_t size = 0;
  double entries = 0;
  int workers = 1;
  std::uint64_t seed = 1;

  std::unique_ptr<Compressor> make(std::string_view object) const {
    return compressor_maker(object).make({tensors, size, entries, workers, seed});
  }
};

inline Target shaped(const std::vector<std::vector<int>>& shapes, int workers = 1) {
  Target made;
  for (const std::vector<int>& shape : shapes) {
    std::size_t count = 1;
    for (const int side : shape) count *= std::size_t(side);
    made.tensors.push_back({"", shape, 1, made.size, count});
    made.size += count;
  }
  made.entries = double(made.size);
  made.workers = workers;
  return made;
}

// A linear layer, a convolution, their biases, a single number.
inline Target some_tensors(int workers = 1) { return shaped({{12, 20}, {12}, {6, 3, 3, 3}, {6}, {1}}, workers); }

// Normal entries, another vector for every worker and step.
inline Vector some_gradient(std::size_t size, int worker, int step) {
  const Stream stream(std::uint64_t(step), "test", std::uint64_t(worker));
  Vector gradient(size);
  for (std::size_t i = 0; i < size; ++i) gradient[i] = float(normal_quantile(stream.uniform(i)));
  return gradient;
}

inline Vector encoded(Compressor& compressor, const Vector& gradient, int worker = 0, std::int64_t step = 0) {
  Vector sent(gradient.size(), 777.0f);  // what was there before must not matter
  compressor.encode(worker, step, gradient, sent);
  return sent;
}

inline Vector reduced(Compressor& compressor, std::int64_t step, const std::vector<Vector>& gradients,
                      const std::vector<double>& weights) {
  std::vector<const float*> values;
  for (const Vector& gradient : gradients) values.push_back(gradient.data());
  Vector result(gradients[0].size(), 777.0f);
  compressor.reduce(step, values, weights, result);
  return result;
}

// A kind without one fails the tests that loop over all.
inline std::vector<std::string> compressor_configurations(const std::string& kind) {
  const auto with = [&](const std::string& keys) { return "{\"kind\": \"" + kind + "\"" + keys + "}"; };
  if (kind == "fp16" || kind == "bf16" || kind == "sign_majority" || kind == "ef_sign" || kind == "terngrad")
    return {with("")};
  if (kind == "top_k") return {with(R"(, "ratio": 0.1)"), with(R"(, "ratio": 1e-9)"), with(R"(, "ratio": 1)")};
  if (kind == "random_k") return {with(R"(, "ratio": 0.2)"), with(R"(, "ratio": 0.2, "error_feedback": true)")};
  if (kind == "qsgd") return {with(R"(, "levels": 1)"), with(R"(, "levels": 4)"), with(R"(, "levels": 1073741824)")};
  if (kind == "power_sgd") return {with(R"(, "rank": 1)"), with(R"(, "rank": 3)"), with(R"(, "rank": 1000)")};
  if (kind == "dgc")  // without momentum what is held back is what was not sent
    return {with(R"(, "ratio": 0.1, "momentum": 0)"), with(R"(, "ratio": 0.1, "momentum": 0, "warmup_steps": 8)")};
  return {};
}

}  // namespace paceline::test
