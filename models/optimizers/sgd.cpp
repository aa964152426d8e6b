// Stochastic gradient descent as torch.optim.SGD defines it (no dampening): with decay λ and momentum μ
//   d = g + λx;  v ← μv + d, at first v = d;  d = v, or d + μv with Nesterov;  x ← x − ηd
// in float32, each operation rounded by itself.
#include <algorithm>
#include <vector>

#include "models/optimizers/parts.hpp"

namespace paceline {
namespace {

struct Settings {
  double learning_rate, momentum;
  bool nesterov;
  double weight_decay;
};

class Sgd : public Optimizer {
 public:
  Sgd(const Settings& settings, std::size_t size)
      : settings_(settings), size_(size), velocity_(settings.momentum > 0 ? size : 0) {}

  void step(const float* from, const float* g, float* to, double rate_scale) override {
    const float rate = float(settings_.learning_rate * rate_scale);
    if (velocity_.empty()) return descend(from, g, to, rate);
    if (to != from) std::copy_n(from, size_, to);
    descend(to, g, velocity_.data(), rate);
  }

  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Sgd>(*this); }

 private:
  // In one pass: large models are bound by memory. Where from is to, an entry depends on itself alone.
  void descend(const float* from, const float* g, float* to, float rate) const {
    const float decay = float(settings_.weight_decay);
    if (decay == 0)
#pragma GCC ivdep
      for (std::size_t i = 0; i < size_; ++i) to[i] = from[i] - rate * g[i];
    else
#pragma GCC ivdep
      for (std::size_t i = 0; i < size_; ++i) to[i] = from[i] - rate * (g[i] + decay * from[i]);
  }

  // The velocity is 0 before the first step, which makes it d then.
  void descend(float* __restrict x, const float* __restrict g, float* __restrict v, float rate) const {
    const float decay = float(settings_.weight_decay), momentum = float(settings_.momentum);
    const bool nesterov = settings_.nesterov, decays = decay != 0;
    for (std::size_t i = 0; i < size_; ++i) {
      const float d = decays ? g[i] + decay * x[i] : g[i];
      v[i] = momentum * v[i] + d;
      x[i] -= rate * (nesterov ? d + momentum * v[i] : v[i]);
    }
  }

  Settings settings_;
  std::size_t size_;
  Values velocity_;
};

OptimizerMaker maker(const Settings& settings) {
  return {[settings](std::span<const std::size_t> tensors) { return std::make_unique<Sgd>(settings, sum(tensors)); },
          settings.learning_rate,
          settings.momentum,
          [settings](double momentum) {
            Settings other = settings;
            other.momentum = momentum;
            return maker(other);
          },
          false,
          settings.momentum > 0 ? 1 : 0};
}

}  // namespace

namespace optimizers {

OptimizerMaker sgd(Reader& in) {
  in.about("Stochastic gradient descent with momentum, Nesterov's variant and L2 decay, as torch.optim.SGD.");
  Settings settings{};
  settings.learning_rate = read_learning_rate(in);
  settings.momentum = read_momentum(in, 0);
  settings.nesterov = in.boolean("nesterov", false, "looks ahead along the velocity; needs momentum");
  settings.weight_decay = in.number(
      "weight_decay",
      {.minimum = 0, .fallback = 0, .help = "L2: this times the parameters is added to the gradient, biases too"});
  if (settings.nesterov && settings.momentum == 0) in.fail("nesterov", "needs momentum above 0");
  return clipped(in, maker(settings));
}

}  // namespace optimizers
}  // namespace paceline
