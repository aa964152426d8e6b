// LARS (You, Gitman, Ginsburg 2017, arXiv:1708.03888), for every tensor w with gradient g, biases too, decay λ,
// momentum μ and trust coefficient τ:
//   r = τ‖w‖ / (‖g‖ + λ‖w‖), or 1 where a norm is 0;  v ← μv + ηr(g + λw), at first v = ηr(g + λw);  w ← w − v
#include <algorithm>

#include "models/optimizers/parts.hpp"

namespace paceline {
namespace {

struct Settings {
  double learning_rate, momentum, weight_decay, trust;
};

class Lars final : public Optimizer {
 public:
  Lars(const Settings& settings, std::span<const std::size_t> tensors)
      : settings_(settings), tensors_(tensors.begin(), tensors.end()), velocity_(sum(tensors)) {}

  void step(const float* from, const float* g, float* to, double rate_scale) override {
    if (to != from) std::copy_n(from, velocity_.size(), to);
    const float momentum = float(settings_.momentum), decay = float(settings_.weight_decay);
    std::size_t begin = 0;
    for (const std::size_t size : tensors_) {
      const double own = norm(to + begin, size), pull = norm(g + begin, size);
      const double local = own > 0 && pull > 0 ? settings_.trust * own / (pull + settings_.weight_decay * own) : 1;
      const float rate = float(settings_.learning_rate * rate_scale * local);
      for (std::size_t i = begin; i < begin + size; ++i) {
        velocity_[i] = momentum * velocity_[i] + rate * (g[i] + decay * to[i]);
        to[i] -= velocity_[i];
      }
      begin += size;
    }
  }

  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Lars>(*this); }

 private:
  Settings settings_;
  std::vector<std::size_t> tensors_;
  Values velocity_;
};

OptimizerMaker maker(const Settings& settings) {
  return {[settings](std::span<const std::size_t> tensors) { return std::make_unique<Lars>(settings, tensors); },
          settings.learning_rate,
          settings.momentum,
          [settings](double momentum) {
            Settings other = settings;
            other.momentum = momentum;
            return maker(other);
          },
          false,
          1};
}

}  // namespace

namespace optimizers {

OptimizerMaker lars(Reader& in) {
  in.about("momentum with a rate for each tensor from its norm and its gradient's, for big batches (You et al. 2017).");
  Settings settings{};
  settings.learning_rate = read_learning_rate(in);
  settings.momentum = read_momentum(in, 0.9);
  settings.weight_decay =
      in.number("weight_decay", {.minimum = 0, .fallback = 0, .help = "of all parameters, biases too"});
  settings.trust = in.number("trust", {.minimum = 0,
                                       .above_minimum = true,
                                       .fallback = 0.001,
                                       .help = "a tensor's step over its own norm, before the learning rate"});
  return clipped(in, maker(settings));
}

}  // namespace optimizers
}  // namespace paceline
