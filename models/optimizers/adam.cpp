// Adam (Kingma, Ba 2015, arXiv:1412.6980) as torch.optim.Adam: with decay λ
//   d = g + λx;  x ← x − η m̂(d) / (√v̂(d) + ε)
#include <algorithm>

#include "models/optimizers/parts.hpp"

namespace paceline {
namespace {

class Adam final : public Optimizer {
 public:
  Adam(const AdamSettings& settings, std::size_t size)
      : settings_(settings), size_(size), moments_(settings, size), decayed_(settings.weight_decay > 0 ? size : 0) {}

  void step(const float* from, const float* g, float* to, double rate_scale) override {
    if (to != from) std::copy_n(from, size_, to);
    const float rate = float(settings_.learning_rate * rate_scale), decay = float(settings_.weight_decay);
    if (decay > 0)
      for (std::size_t i = 0; i < decayed_.size(); ++i) decayed_[i] = g[i] + decay * to[i];
    const auto u = moments_.step(decay > 0 ? decayed_.data() : g);
    for (std::size_t i = 0; i < u.size(); ++i) to[i] -= rate * u[i];
  }

  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Adam>(*this); }

 private:
  AdamSettings settings_;
  std::size_t size_;
  Moments moments_;
  std::vector<float> decayed_;  // g + λx
};

}  // namespace

namespace optimizers {

OptimizerMaker adam(Reader& in) {
  in.about("Adam with L2 decay (Kingma and Ba 2015), as torch.optim.Adam.");
  const AdamSettings settings = read_adam(in, 1e-8, 0);
  return clipped(
      in, {[settings](std::span<const std::size_t> tensors) { return std::make_unique<Adam>(settings, sum(tensors)); },
           settings.learning_rate,
           0,
           {},
           false,
           2});
}

}  // namespace optimizers
}  // namespace paceline
