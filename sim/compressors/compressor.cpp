#include "sim/compressors/compressor.hpp"

#include <algorithm>

namespace paceline {

void Compressor::combine(std::span<const float* const> sent, std::span<const double> weights,
                         std::span<float> result) const {
  std::fill(result.begin(), result.end(), 0.0f);
  for (std::size_t w = 0; w < sent.size(); ++w) {
    const float weight = float(weights[w]);
    const float* __restrict from = sent[w];
    float* __restrict to = result.data();
    for (std::size_t i = 0; i < result.size(); ++i) to[i] += weight * from[i];
  }
}

void Compressor::reduce(std::int64_t step, std::span<const float* const> gradients, std::span<const double> weights,
                        std::span<float> result) {
  std::vector<const float*> sent;
  sent_.resize(std::max(sent_.size(), gradients.size()));
  for (std::size_t w = 0; w < gradients.size(); ++w) {
    sent_[w].resize(result.size());
    encode(int(w), step, {gradients[w], result.size()}, sent_[w]);
    sent.push_back(sent_[w].data());
  }
  combine(sent, weights, result);
}

std::span<const float> Compressor::residual(int) const { return {}; }

}  // namespace paceline
