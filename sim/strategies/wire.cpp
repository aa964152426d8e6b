#include "sim/strategies/wire.hpp"

#include <algorithm>
#include <numeric>

namespace paceline {
namespace {

std::vector<double> weights_of(std::span<const GradientRef> gradients, Averaging averaging) {
  const auto count = [&](const GradientRef& g) { return averaging == Averaging::uniform ? 1.0 : double(g->samples); };
  double sum = 0;
  for (const GradientRef& g : gradients) sum += count(g);
  std::vector<double> weights;
  for (const GradientRef& g : gradients) weights.push_back(count(g) / sum);
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
  compressor_->encode(gradient->worker, gradient->step, *payload(gradient), *sent);
  return gradient->sent = std::move(sent);
}

std::shared_ptr<const Values> Wire::payload(const GradientRef& gradient) {
  auto value = pool_.value(gradient);
  if (!scales()) return value;
  const Batches& batches = pool_.batches();
  const auto part = float(double(batches.workers()) * gradient->samples / double(batches.round()));
  auto scaled = pool_.buffer();
  std::transform(value->begin(), value->end(), scaled->begin(), [part](float each) { return part * each; });
  return scaled;
}

std::shared_ptr<const Values> Wire::mean(std::span<const GradientRef> gradients, Averaging averaging) {
  if (!compresses() || !pool_.real()) return pool_.mean(gradients, averaging);
  pool_.compute(gradients);
  std::vector<const float*> sent;
  for (const GradientRef& g : gradients) sent.push_back(value(g)->data());
  auto result = pool_.buffer();
  compressor_->combine(sent, weights_of(gradients, scales() ? Averaging::uniform : averaging), *result);
  return result;
}

std::shared_ptr<const Values> Wire::reduce(std::span<const GradientRef> gradients, Averaging averaging) {
  if (!compresses() || !pool_.real()) return pool_.mean(gradients, averaging);
  pool_.compute(gradients);
  std::vector<std::shared_ptr<const Values>> payloads;
  std::vector<const float*> all;
  for (const GradientRef& g : gradients) {
    payloads.push_back(payload(g));
    all.push_back(payloads.back()->data());
  }
  auto result = pool_.buffer();
  compressor_->reduce(gradients[0]->step, all, weights_of(gradients, scales() ? Averaging::uniform : averaging),
                      *result);
  return result;
}

void Wire::lost(const GradientRef& gradient) {
  if (compresses() && kind_.keeps_residual) value(gradient);
}

}  // namespace paceline
