// Linear layer: y [n,out] = x [n,in] · Wᵀ + b, W [out,in], b [out].
#pragma once
#include <algorithm>
#include <string>
#include <utility>

#include "models/layers/product.hpp"
#include "models/model.hpp"

namespace paceline {

template <class Real>
void linear_forward(int n, int in, int out, const Real* x, const Real* w, const Real* b, Real* y) {
  product_transposed(n, out, in, x, w, y);
  for (int r = 0; r < n; ++r, y += out)
    for (int c = 0; c < out; ++c) y[c] += b[c];
}

// dW [out,in] = dyᵀ · x and db [out] = column sums of dy [n,out], added to what is there if `add`;
// dx [n,in] = dy · W, unless dx is null (nothing below).
template <class Real>
void linear_backward(int n, int in, int out, const Real* x, const Real* w, const Real* dy, bool add, Real* dw, Real* db,
                     Real* dx) {
  transposed_product(out, in, n, dy, x, add, dw);
  if (dx) product(n, in, out, dy, w, dx);
  if (!add) std::fill_n(db, out, Real(0));
  for (int r = 0; r < n; ++r, dy += out)
    for (int c = 0; c < out; ++c) db[c] += dy[c];
}

// The bias is what the sums start from: no operation of its own. Backward is two products of the forward's size.
inline LayerCost linear_cost(std::string name, std::size_t first_tensor, int in, int out) {
  return {.name = std::move(name),
          .first_tensor = first_tensor,
          .tensors = 2,
          .flops = 2.0 * in * out,
          .weight_bytes = 4.0 * (double(in) * out + out),
          .activation_bytes = 4.0 * (double(in) + out),
          .backward_factor = 2};
}

}  // namespace paceline
