// Causal self-attention with several heads (Vaswani et al. 2017): for each head, of width d,
// y_i = Σ_{j ≤ i} p_ij v_j, p_i = softmax_j(q_i·k_j/√d).
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "models/model.hpp"

namespace paceline {

struct AttentionShape {
  int context, width, heads;
  int head() const { return width / heads; }
};

// turned [d, context] = one head of `rows`, which are `stride` apart: loops over j then read neighbours.
template <class Real>
void turn_head(const AttentionShape& s, const Real* rows, int stride, Real* turned) {
  for (int c = 0; c < s.head(); ++c)
    for (int j = 0; j < s.context; ++j) turned[c * s.context + j] = rows[std::ptrdiff_t(j) * stride + c];
}

// qkv [n, context, 3·width]: queries, keys, values, each by heads; p [n, heads, context, context], y [n, context,
// width]; turned [width, context] is scratch.
template <class Real>
void attention_forward(int n, const AttentionShape& s, const Real* qkv, Real* p, Real* y, Real* turned) {
  const int d = s.head(), stride = 3 * s.width;
  const Real root = 1 / std::sqrt(Real(d));
  for (int r = 0; r < n; ++r, qkv += std::ptrdiff_t(s.context) * stride, y += std::ptrdiff_t(s.context) * s.width)
    for (int h = 0; h < s.heads; ++h) {
      const Real *q = qkv + h * d, *k = q + s.width, *v = k + s.width;
      turn_head(s, k, stride, turned);
      for (int i = 0; i < s.context; ++i, p += s.context) {
        std::fill_n(p, s.context, Real(0));
        for (int c = 0; c < d; ++c) {
          const Real own = q[std::ptrdiff_t(i) * stride + c] * root;
          for (int j = 0; j <= i; ++j) p[j] += own * turned[c * s.context + j];
        }
        Real top = p[0], sum = 0;
        for (int j = 1; j <= i; ++j) top = std::max(top, p[j]);
        for (int j = 0; j <= i; ++j) sum += p[j] = std::exp(p[j] - top);
        Real* out = y + std::ptrdiff_t(i) * s.width + h * d;
        std::fill_n(out, d, Real(0));
        for (int j = 0; j <= i; ++j) {
          p[j] /= sum;
          for (int c = 0; c < d; ++c) out[c] += p[j] * v[std::ptrdiff_t(j) * stride + c];
        }
      }
    }
}

// dqkv as qkv; dp [context] and turned [width, context] are scratch.
template <class Real>
void attention_backward(int n, const AttentionShape& s, const Real* qkv, const Real* p, const Real* dy, Real* dqkv,
                        Real* dp, Real* turned) {
  const int d = s.head(), stride = 3 * s.width;
  const Real root = 1 / std::sqrt(Real(d));
  const std::ptrdiff_t sequence = std::ptrdiff_t(s.context) * stride;
  std::fill_n(dqkv, n * sequence, Real(0));
  for (int r = 0; r < n; ++r, qkv += sequence, dqkv += sequence, dy += std::ptrdiff_t(s.context) * s.width)
    for (int h = 0; h < s.heads; ++h) {
      const Real *q = qkv + h * d, *k = q + s.width, *v = k + s.width;
      Real *dq = dqkv + h * d, *dk = dq + s.width, *dv = dk + s.width;
      turn_head(s, v, stride, turned);
      for (int i = 0; i < s.context; ++i, p += s.context) {
        const Real* slope = dy + std::ptrdiff_t(i) * s.width + h * d;
        const std::ptrdiff_t at = std::ptrdiff_t(i) * stride;
        std::fill_n(dp, s.context, Real(0));
        for (int c = 0; c < d; ++c)
          for (int j = 0; j <= i; ++j) dp[j] += slope[c] * turned[c * s.context + j];
        Real along = 0;
        for (int j = 0; j <= i; ++j) along += p[j] * dp[j];
        for (int j = 0; j <= i; ++j) {
          const Real score = p[j] * (dp[j] - along) * root;
          const std::ptrdiff_t other = std::ptrdiff_t(j) * stride;
          for (int c = 0; c < d; ++c) {
            dq[at + c] += score * k[other + c];
            dk[other + c] += score * q[at + c];
            dv[other + c] += p[j] * slope[c];
          }
        }
      }
    }
}

// Of the context·(context + 1)/2 pairs j ≤ i: two products of width, and per head scale, subtract, exp, add, divide.
inline LayerCost attention_cost(std::string name, std::size_t next_tensor, const AttentionShape& s) {
  const double pairs = 0.5 * s.context * (s.context + 1);
  return {.name = std::move(name),
          .first_tensor = next_tensor,
          .flops = pairs * (4.0 * s.width + 5.0 * s.heads),
          .activation_bytes = 4.0 * (4.0 * s.context * s.width + 2 * pairs * s.heads),
          .backward_factor = 2};
}

}  // namespace paceline
