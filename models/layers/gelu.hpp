// GELU (Hendrycks, Gimpel 2016): y = x·Φ(x) = ½x(1 + erf(x/√2)).
#pragma once
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <utility>

#include "models/model.hpp"

namespace paceline {

template <class Real>
Real normal_distribution(Real x) {
  return Real(0.5) * (1 + std::erf(x * Real(1 / std::numbers::sqrt2)));
}

template <class Real>
void gelu_forward(std::size_t count, const Real* x, Real* y) {
  for (std::size_t i = 0; i < count; ++i) y[i] = x[i] * normal_distribution(x[i]);
}

// dy [count] times Φ(x) + x·φ(x), φ the normal density.
template <class Real>
void gelu_backward(std::size_t count, const Real* x, Real* dy) {
  constexpr Real top = Real(0.5 * std::numbers::inv_sqrtpi * std::numbers::sqrt2);  // φ(0) = 1/√(2π)
  for (std::size_t i = 0; i < count; ++i) dy[i] *= normal_distribution(x[i]) + x[i] * top * std::exp(-x[i] * x[i] / 2);
}

// x/√2, erf, + 1, ·½, ·x; a read and a write.
inline LayerCost gelu_cost(std::string name, std::size_t next_tensor, int width) {
  return {.name = std::move(name),
          .first_tensor = next_tensor,
          .flops = 5.0 * width,
          .activation_bytes = 8.0 * width,
          .backward_factor = 2};
}

}  // namespace paceline
