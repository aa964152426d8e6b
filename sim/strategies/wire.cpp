#include "sim/strategies/wire.hpp"

#include <numeric>

namespace paceline {
namespace {

std::vector<double> weights_of(std::span<const GradientRef> gradients) {
  double samples = 0;
  for (const GradientRef& g : gradients) samples += g->samples;
  std::vector<double> weights;
  for (const GradientRef& g : gradients) weights.push_back(g->samples / samples);
  return weights;
}

}  // namespace

Wire::Wire(GradientPool& pool, const CompressorMaker& kind, std::span<const Tensor> tensors, double bytes, int workers,
           std::uint64_t seed)
    : pool_(pool), kind_(kind), bytes_(bytes) {
  if (!kind.make) return;
  const std::size_t size = tensors.empty() ? 0 : tensors.back().offset + tensors.back().count;
  compressor_ = kind.make({tensors, size, bytes / sizeof(float), workers, seed});
}

std::vector<double> Wire::messages(std::int64_t step) const {
  return compresses() ? compressor_->bytes(step) : std::vector<double>{bytes_};
}

double Wire::bytes(std::int64_t step) const {
  const std::vector<double> all = messages(step);
  return std::accumulate(all.begin(), all.end(), 0.0);
}

std::shared_ptr<const Values> Wire::value(const GradientRef& gradient) {
  if (!compresses() || !pool_.real()) return pool_.value(gradient);
  if (gradient->sent) return gradient->sent;
  auto sent = pool_.buffer();
  compressor_->encode(gradient->worker, gradient->step, *pool_.value(gradient), *sent);
  return gradient->sent = std::move(sent);
}

std::shared_ptr<const Values> Wire::mean(std::span<const GradientRef> gradients) {
  if (!compresses() || !pool_.real()) return pool_.mean(gradients);
  pool_.compute(gradients);
  std::vector<const float*> sent;
  for (const GradientRef& g : gradients) sent.push_back(value(g)->data());
  auto result = pool_.buffer();
  compressor_->combine(sent, weights_of(gradients), *result);
  return result;
}

std::shared_ptr<const Values> Wire::reduce(std::span<const GradientRef> gradients) {
  if (!compresses() || !pool_.real()) return pool_.mean(gradients);
  pool_.compute(gradients);
  std::vector<const float*> all;
  for (const GradientRef& g : gradients) all.push_back(pool_.value(g)->data());
  auto result = pool_.buffer();
  compressor_->reduce(gradients[0]->step, all, weights_of(gradients), *result);
  return result;
}

void Wire::lost(const GradientRef& gradient) {
  if (compresses() && kind_.keeps_residual) value(gradient);
}

}  // namespace paceline
