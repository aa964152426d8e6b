// LAMB (You et al. 2020, arXiv:1904.00962, algorithm 2, bias-corrected), for every tensor w, biases too, with decay λ:
//   u = m̂ / (√v̂ + ε) + λw;  w ← w − η (‖w‖ / ‖u‖) u, with a ratio of 1 where a norm is 0
#include <algorithm>

#include "models/optimizers/parts.hpp"

namespace paceline {
namespace {

class Lamb final : public Optimizer {
 public:
  Lamb(const AdamSettings& settings, std::span<const std::size_t> tensors)
      : settings_(settings),
        tensors_(tensors.begin(), tensors.end()),
        moments_(settings, sum(tensors)),
        u_(sum(tensors)) {}

  void step(const float* from, const float* g, float* to, double rate_scale) override {
    if (to != from) std::copy_n(from, u_.size(), to);
    const float decay = float(settings_.weight_decay);
    const auto direction = moments_.step(g);
    for (std::size_t i = 0; i < u_.size(); ++i) u_[i] = direction[i] + decay * to[i];
    std::size_t begin = 0;
    for (const std::size_t size : tensors_) {
      const double own = norm(to + begin, size), wanted = norm(&u_[begin], size);
      const double ratio = own > 0 && wanted > 0 ? own / wanted : 1;
      const float rate = float(settings_.learning_rate * rate_scale * ratio);
      for (std::size_t i = begin; i < begin + size; ++i) to[i] -= rate * u_[i];
      begin += size;
    }
  }

  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Lamb>(*this); }

 private:
  AdamSettings settings_;
  std::vector<std::size_t> tensors_;
  Moments moments_;
  std::vector<float> u_;
};

}  // namespace

namespace optimizers {

OptimizerMaker lamb(Reader& in) {
  in.about("Adam's step, scaled to the norm of each tensor, for big batches (You et al. 2020).");
  const AdamSettings settings = read_adam(in, 1e-6, 0);
  return clipped(
      in, {[settings](std::span<const std::size_t> tensors) { return std::make_unique<Lamb>(settings, tensors); },
           settings.learning_rate,
           0,
           {},
           false,
           2});
}

}  // namespace optimizers
}  // namespace paceline
