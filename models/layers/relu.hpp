// ReLU, in place: y = max(0, y); its derivative at 0 is 0.
#pragma once
#include <cstddef>
#include <string>
#include <utility>

#include "models/model.hpp"

namespace paceline {

// A NaN stays one, so that a run which diverges shows it.
template <class Real>
void relu_forward(std::size_t count, Real* y) {
  for (std::size_t i = 0; i < count; ++i) y[i] = y[i] < 0 ? Real(0) : y[i];
}

// dy [count] is zeroed where the output y was 0.
template <class Real>
void relu_backward(std::size_t count, const Real* y, Real* dy) {
  for (std::size_t i = 0; i < count; ++i) dy[i] = y[i] > 0 ? dy[i] : Real(0);
}

// An operation and a read and a write per value.
inline LayerCost relu_cost(std::string name, std::size_t next_tensor, int width) {
  return {.name = std::move(name),
          .first_tensor = next_tensor,
          .tensors = 0,
          .flops = double(width),
          .weight_bytes = 0,
          .activation_bytes = 8.0 * width,
          .backward_factor = 1};
}

}  // namespace paceline
