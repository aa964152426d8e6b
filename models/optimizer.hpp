// Optimizer: turns a gradient into the next parameters; holds the state (momentum, …) of one replica, or of one
// server's shard. Where a rule is by tensor (lars, lamb), a server that holds a piece of one takes it for the whole.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "sim/core/registry.hpp"

namespace paceline {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // to = from after one step with gradient g; rate_scale multiplies the learning rate. from may be to.
  virtual void step(const float* from, const float* g, float* to, double rate_scale) = 0;
  virtual std::unique_ptr<Optimizer> clone() const = 0;  // with its state
};

struct OptimizerMaker {
  std::function<std::unique_ptr<Optimizer>(std::span<const std::size_t> tensors)> make;  // their sizes, in order
  double learning_rate = 0, momentum = 0;
  std::function<OptimizerMaker(double momentum)> with_momentum;  // empty: this kind has none
  bool clips = false;                                            // by the norm of the whole gradient
  int state = 0;                                                 // numbers that it keeps for each parameter
};

namespace optimizers {
const Registry<OptimizerMaker>& all();
}

}  // namespace paceline
