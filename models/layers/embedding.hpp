// Embedding of tokens and positions: y [n, context, width] = token[id] + position[t]; ids come as numbers.
#pragma once
#include <cstddef>
#include <string>
#include <utility>

#include "models/model.hpp"

namespace paceline {

template <class Real>
void embedding_forward(int n, int context, int width, const Real* ids, const Real* token, const Real* position,
                       Real* y) {
  for (int r = 0; r < n; ++r)
    for (int t = 0; t < context; ++t, ++ids, y += width) {
      const Real *own = token + std::ptrdiff_t(*ids) * width, *at = position + std::ptrdiff_t(t) * width;
      for (int c = 0; c < width; ++c) y[c] = own[c] + at[c];
    }
}

// Adds to dtoken and dposition.
template <class Real>
void embedding_backward(int n, int context, int width, const Real* ids, const Real* dy, Real* dtoken, Real* dposition) {
  for (int r = 0; r < n; ++r)
    for (int t = 0; t < context; ++t, ++ids, dy += width) {
      Real *own = dtoken + std::ptrdiff_t(*ids) * width, *at = dposition + std::ptrdiff_t(t) * width;
      for (int c = 0; c < width; ++c) own[c] += dy[c], at[c] += dy[c];
    }
}

// An addition per value; backward is two.
inline LayerCost embedding_cost(std::string name, std::size_t first_tensor, int classes, int context, int width) {
  return {.name = std::move(name),
          .first_tensor = first_tensor,
          .tensors = 2,
          .flops = double(context) * width,
          .weight_bytes = 4.0 * width * (double(classes) + context),
          .activation_bytes = 4.0 * context * (1.0 + width),
          .backward_factor = 2};
}

}  // namespace paceline
