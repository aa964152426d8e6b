// Optimizer: turns a gradient into the next parameters; holds the state (momentum, …) of one replica, or of one
// server's shard.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>

#include "sim/core/registry.hpp"

namespace paceline {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // to = from after one step with gradient g, all [size]; rate_scale multiplies the learning rate. from may be to.
  virtual void step(const float* from, const float* g, float* to, double rate_scale) = 0;
};

struct OptimizerMaker {
  std::function<std::unique_ptr<Optimizer>(std::size_t size)> make;
  double learning_rate = 0, momentum = 0;
  std::function<OptimizerMaker(double momentum)> with_momentum;  // empty: this kind has none
};

namespace optimizers {
const Registry<OptimizerMaker>& all();
}

}  // namespace paceline
