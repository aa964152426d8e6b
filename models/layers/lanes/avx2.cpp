// The kernels with AVX2 and FMA: 16 lanes in two registers, or 8 in one.
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

#include "models/layers/lanes/kernels.hpp"
#include "models/layers/lanes/single.hpp"

namespace paceline {
namespace {

struct Eight {
  using Real = float;
  static constexpr int lanes = 8, outs = 4, columns = 3, weight_outs = 2;
  __m256 v;

  static Eight load(const float* from) { return {_mm256_loadu_ps(from)}; }
  static Eight broadcast(float value) { return {_mm256_set1_ps(value)}; }
  void store(float* to) const { _mm256_storeu_ps(to, v); }
  friend Eight operator+(Eight a, Eight b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend Eight fused(Eight a, Eight b, Eight c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  friend Eight larger(Eight a, Eight b) { return {_mm256_max_ps(a.v, b.v)}; }
  friend Eight where_positive(Eight gate, Eight x) {
    return {_mm256_and_ps(_mm256_cmp_ps(gate.v, _mm256_setzero_ps(), _CMP_GT_OQ), x.v)};
  }
  friend Eight first_equal(Eight x, Eight top, Eight& rest) {
    const __m256 own = _mm256_cmp_ps(x.v, top.v, _CMP_EQ_OQ);
    const Eight taken{_mm256_and_ps(own, rest.v)};
    rest.v = _mm256_andnot_ps(own, rest.v);
    return taken;
  }
};

struct Sixteen {
  using Real = float;
  static constexpr int lanes = 16, outs = 2, columns = 3, weight_outs = 1;
  Eight low, high;

  static Sixteen load(const float* from) { return {Eight::load(from), Eight::load(from + 8)}; }
  static Sixteen broadcast(float value) { return {Eight::broadcast(value), Eight::broadcast(value)}; }
  void store(float* to) const { low.store(to), high.store(to + 8); }
  friend Sixteen operator+(Sixteen a, Sixteen b) { return {a.low + b.low, a.high + b.high}; }
  friend Sixteen fused(Sixteen a, Sixteen b, Sixteen c) {
    return {fused(a.low, b.low, c.low), fused(a.high, b.high, c.high)};
  }
  friend Sixteen larger(Sixteen a, Sixteen b) { return {larger(a.low, b.low), larger(a.high, b.high)}; }
  friend Sixteen where_positive(Sixteen gate, Sixteen x) {
    return {where_positive(gate.low, x.low), where_positive(gate.high, x.high)};
  }
  friend Sixteen first_equal(Sixteen x, Sixteen top, Sixteen& rest) {
    return {first_equal(x.low, top.low, rest.low), first_equal(x.high, top.high, rest.high)};
  }
};

}  // namespace

extern const Lanes<float> lanes_16_avx2, lanes_8_avx2;
const Lanes<float> lanes_16_avx2 = lanes_of<Sixteen, Single<float>>("avx2");
const Lanes<float> lanes_8_avx2 = lanes_of<Eight, Single<float>>("avx2");

}  // namespace paceline
#endif
