// A vector of one lane, for the loops of kernels.hpp.
#pragma once

namespace paceline {
namespace {

inline float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double fused(double a, double b, double c) { return a * b + c; }  // checks need no bits

template <class R>
struct Single {
  using Real = R;
  static constexpr int lanes = 1, outs = 4, columns = 2, weight_outs = 2;
  R v;

  static Single load(const R* from) { return {*from}; }
  static Single broadcast(R value) { return {value}; }
  void store(R* to) const { *to = v; }
  friend Single operator+(Single a, Single b) { return {a.v + b.v}; }
  friend Single fused(Single a, Single b, Single c) { return {paceline::fused(a.v, b.v, c.v)}; }
  friend Single larger(Single a, Single b) { return {a.v > b.v ? a.v : b.v}; }
  friend Single where_positive(Single gate, Single x) { return {gate.v > 0 ? x.v : 0}; }
  friend Single first_equal(Single x, Single top, Single& rest) {
    const Single own{x.v == top.v ? rest.v : 0};
    rest.v = x.v == top.v ? 0 : rest.v;
    return own;
  }
};

}  // namespace
}  // namespace paceline
