// AdamW (Loshchilov, Hutter 2019, arXiv:1711.05101) as torch.optim.AdamW: decay λ beside the gradient's moments,
//   x ← (1 − ηλ)x − η m̂ / (√v̂ + ε)
#include <algorithm>

#include "models/optimizers/parts.hpp"

namespace paceline {
namespace {

class AdamW final : public Optimizer {
 public:
  AdamW(const AdamSettings& settings, std::size_t size) : settings_(settings), size_(size), moments_(settings, size) {}

  void step(const float* from, const float* g, float* to, double rate_scale) override {
    if (to != from) std::copy_n(from, size_, to);
    const double rate = settings_.learning_rate * rate_scale;
    const float step = float(rate), keep = float(1 - rate * settings_.weight_decay);
    const auto u = moments_.step(g);
    for (std::size_t i = 0; i < u.size(); ++i) to[i] = keep * to[i] - step * u[i];
  }

  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<AdamW>(*this); }

 private:
  AdamSettings settings_;
  std::size_t size_;
  Moments moments_;
};

}  // namespace

namespace optimizers {

OptimizerMaker adamw(Reader& in) {
  in.about("Adam with decoupled decay (Loshchilov and Hutter 2019), as torch.optim.AdamW.");
  const AdamSettings settings = read_adam(in, 1e-8, 0.01);
  return clipped(
      in, {[settings](std::span<const std::size_t> tensors) { return std::make_unique<AdamW>(settings, sum(tensors)); },
           settings.learning_rate,
           0,
           {},
           false,
           2});
}

}  // namespace optimizers
}  // namespace paceline
