// Softmax and cross-entropy: loss of a row = log Σ exp z_c − z_label, computed from the greatest logit downwards, so
// that no exponential overflows.
#pragma once
#include <cmath>
#include <cstdint>

namespace paceline {

// z [n,classes] becomes its own gradient (softmax(z) − one_hot(label)) · scale; losses [n].
template <class Real>
void cross_entropy_backward(int n, int classes, const std::int32_t* labels, Real scale, Real* z, double* losses) {
  for (int r = 0; r < n; ++r, z += classes) {
    Real top = z[0], sum = 0;
    for (int c = 1; c < classes; ++c) top = z[c] > top ? z[c] : top;
    const Real own = z[labels[r]] - top;
    for (int c = 0; c < classes; ++c) sum += z[c] = std::exp(z[c] - top);
    losses[r] = std::log(double(sum)) - double(own);
    const Real share = scale / sum;
    for (int c = 0; c < classes; ++c) z[c] *= share;
    z[labels[r]] -= scale;
  }
}

// losses [n]; hits [n]: 1 where the first of the greatest logits is the label's. With a NaN among them: no hit.
template <class Real>
void cross_entropy_forward(int n, int classes, const std::int32_t* labels, const Real* z, double* losses,
                           std::uint8_t* hits) {
  for (int r = 0; r < n; ++r, z += classes) {
    int first = 0;
    for (int c = 1; c < classes; ++c) first = z[c] > z[first] ? c : first;
    Real sum = 0;
    for (int c = 0; c < classes; ++c) sum += std::exp(z[c] - z[first]);
    losses[r] = std::log(double(sum)) - double(z[labels[r]] - z[first]);
    hits[r] = first == labels[r] && !std::isnan(losses[r]);
  }
}

}  // namespace paceline
