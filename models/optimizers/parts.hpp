// What optimizers are made of: keys they share, norms, clipping, the moments of Adam and its kin.
#pragma once
#include <vector>

#include "models/optimizer.hpp"
#include "sim/core/ledger.hpp"

namespace paceline {

double read_learning_rate(Reader& in);
double read_momentum(Reader& in, double fallback);  // below 1

std::size_t sum(std::span<const std::size_t> tensors);
double norm(const float* x, std::size_t size);  // Euclidean, summed in double in a fixed order

// Reads `clip` and puts it in front of an optimizer: g ← g · min(1, clip / ‖g‖), with the norm over all that this
// optimizer holds.
OptimizerMaker clipped(Reader& in, OptimizerMaker maker);

struct AdamSettings {
  double learning_rate = 0, beta1 = 0, beta2 = 0, epsilon = 0, weight_decay = 0;
};
AdamSettings read_adam(Reader& in, double epsilon, double weight_decay);

// m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g²; m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ) at step t = 1, 2, …
// (Kingma, Ba 2015, arXiv:1412.6980).
class Moments {
 public:
  Moments(const AdamSettings& settings, std::size_t size);

  // Takes in the next gradient; m̂ / (√v̂ + ε), valid until the next call.
  std::span<const float> step(const float* g);

 private:
  AdamSettings settings_;
  double power1_ = 1, power2_ = 1;  // βᵗ
  Values first_, second_;
  std::vector<float> direction_;
};

}  // namespace paceline
