// Layer normalization (Ba, Kiros, Hinton 2016): y = gain ⊙ x̂ + bias, x̂ = (x − mean)/√(variance + ε), over the values of
// each position; ε = 1e-5.
#pragma once
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "models/model.hpp"

namespace paceline {

// x, y [n, width]; normal [n, width] = x̂ and inverse [n] = 1/√(variance + ε) are for backward.
template <class Real>
void layer_norm_forward(int n, int width, const Real* x, const Real* gain, const Real* bias, Real* y, Real* normal,
                        Real* inverse) {
  for (int r = 0; r < n; ++r, x += width, y += width, normal += width) {
    Real sum = 0, squares = 0;
    for (int c = 0; c < width; ++c) sum += x[c];
    const Real mean = sum / Real(width);
    for (int c = 0; c < width; ++c) squares += (x[c] - mean) * (x[c] - mean);
    inverse[r] = 1 / std::sqrt(squares / Real(width) + Real(1e-5));
    for (int c = 0; c < width; ++c) {
      normal[c] = (x[c] - mean) * inverse[r];
      y[c] = gain[c] * normal[c] + bias[c];
    }
  }
}

// dx = inverse · (d − mean(d) − x̂ · mean(d ⊙ x̂)), d = gain ⊙ dy; added to dx, as to dgain and dbias.
template <class Real>
void layer_norm_backward(int n, int width, const Real* gain, const Real* normal, const Real* inverse, const Real* dy,
                         Real* dgain, Real* dbias, Real* dx) {
  for (int r = 0; r < n; ++r, dy += width, dx += width, normal += width) {
    Real sum = 0, along = 0;
    for (int c = 0; c < width; ++c) {
      const Real d = gain[c] * dy[c];
      sum += d;
      along += d * normal[c];
      dgain[c] += dy[c] * normal[c];
      dbias[c] += dy[c];
    }
    const Real mean = sum / Real(width), slope = along / Real(width);
    for (int c = 0; c < width; ++c) dx[c] += inverse[r] * (gain[c] * dy[c] - mean - normal[c] * slope);
  }
}

// Per value: mean 1, deviation 1, variance 2, normal 1, gain and bias 2.
inline LayerCost layer_norm_cost(std::string name, std::size_t first_tensor, int positions, int width) {
  const double values = double(positions) * width;
  return {.name = std::move(name),
          .first_tensor = first_tensor,
          .tensors = 2,
          .flops = 7 * values,
          .weight_bytes = 8.0 * width,
          .activation_bytes = 8 * values,
          .backward_factor = 2};
}

}  // namespace paceline
