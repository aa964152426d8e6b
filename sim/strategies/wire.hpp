// Wire: what is sent of gradients, as they are or compressed, and what others make of it.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "sim/compressors/compressor.hpp"
#include "sim/strategies/gradient_pool.hpp"

namespace paceline {

class Wire {
 public:
  // `bytes`: of a gradient as it is. `tensors`: of the model, also without numerics.
  Wire(GradientPool& pool, const CompressorMaker& kind, std::span<const Tensor> tensors, double bytes, int workers,
       std::uint64_t seed);

  bool compresses() const { return compressor_ != nullptr; }
  const CompressorMaker& kind() const { return kind_; }
  // Bytes of a gradient at its worker's given step, a message or collective each.
  std::vector<double> messages(std::int64_t step) const;
  double bytes(std::int64_t step) const;
  // Seconds of a device for compressing a gradient.
  double seconds() const { return compresses() ? kind_.time : 0; }

  // What a server gets of a gradient, [size]; null without numerics, as all here.
  std::shared_ptr<const Values> value(const GradientRef& gradient);
  // What it makes of several.
  std::shared_ptr<const Values> mean(std::span<const GradientRef> gradients, Averaging averaging);
  // The result of an all-reduce of one step, by worker.
  std::shared_ptr<const Values> reduce(std::span<const GradientRef> gradients, Averaging averaging);
  // A gradient was sent in vain: the residual goes on.
  void lost(const GradientRef& gradient);

  // What workers hold back: a copy of it, and back to one; null where there is nothing.
  std::shared_ptr<const Compressor> saved() const { return compressor_ ? compressor_->clone() : nullptr; }
  void restore(const Compressor* saved) {
    if (saved) compressor_ = saved->clone();
  }

 private:
  // Where samples change from step to step and something is held back for later, a worker compresses its part of the
  // sum, N n_w / B g_w, and the mean is uniform: what it holds back keeps its worth.
  bool scales() const { return kind_.keeps_residual && pool_.batches().balance(); }
  std::shared_ptr<const Values> payload(const GradientRef& gradient);
  GradientPool& pool_;
  CompressorMaker kind_;
  double bytes_;
  std::unique_ptr<Compressor> compressor_;  // null: as they are
};

}  // namespace paceline
