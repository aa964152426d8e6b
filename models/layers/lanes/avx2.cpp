// The kernels with AVX2 and FMA: 16 lanes in two registers, or 8 in one.
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

#include "models/layers/lanes/products.hpp"
#include "models/layers/lanes/single.hpp"
#include "models/layers/lanes/totals.hpp"

namespace paceline {
namespace {

struct Eight {
  using Real = float;
  static constexpr int lanes = 8, outs = 4, columns = 3, weight_outs = 2;
  __m256 v;

  static Eight load(const float* from) { return {_mm256_loadu_ps(from)}; }
  static Eight load_some(const float* from, int count) { return {_mm256_maskload_ps(from, first(count))}; }
  static Eight broadcast(float value) { return {_mm256_set1_ps(value)}; }
  void store(float* to) const { _mm256_storeu_ps(to, v); }
  void store_some(float* to, int count) const { _mm256_maskstore_ps(to, first(count), v); }
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

 private:
  static __m256i first(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
};

struct Sixteen {
  using Real = float;
  static constexpr int lanes = 16, outs = 2, columns = 3, weight_outs = 1, rows = 1, vectors = 3;
  Eight low, high;

  static Sixteen load(const float* from) { return {Eight::load(from), Eight::load(from + 8)}; }
  static Sixteen load_some(const float* from, int count) {
    return {Eight::load_some(from, count), Eight::load_some(from + 8, count - 8)};
  }
  static Sixteen broadcast(float value) { return {Eight::broadcast(value), Eight::broadcast(value)}; }
  void store(float* to) const { low.store(to), high.store(to + 8); }
  void store_some(float* to, int count) const { low.store_some(to, count), high.store_some(to + 8, count - 8); }
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
  friend void totals(Sixteen a, Sixteen b, Sixteen c, Sixteen d, float* out) {
    totals_of_four(a.quarter(), b.quarter(), c.quarter(), d.quarter(), out);
  }

 private:
  __m128 quarter() const {
    const __m256 half = _mm256_add_ps(low.v, high.v);
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  }
};

}  // namespace

extern const Lanes<float> lanes_16_avx2, lanes_8_avx2;
const Lanes<float> lanes_16_avx2 = lanes_of<Sixteen, Single<float>>("avx2");
const Lanes<float> lanes_8_avx2 = lanes_of<Eight, Single<float>>("avx2");
extern const Products products_avx2;
const Products products_avx2 = products_of<Sixteen>("avx2");

}  // namespace paceline
#endif
