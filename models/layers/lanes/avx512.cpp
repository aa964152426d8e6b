// The kernels with AVX-512: 16 lanes in a register, or 8.
#if defined(__AVX512F__) && defined(__AVX512VL__)
#include <immintrin.h>

#include "models/layers/lanes/products.hpp"
#include "models/layers/lanes/single.hpp"
#include "models/layers/lanes/totals.hpp"

namespace paceline {
namespace {

struct Sixteen {
  using Real = float;
  static constexpr int lanes = 16, outs = 4, columns = 4, weight_outs = 4, rows = 4, vectors = 4;
  __m512 v;

  static Sixteen load(const float* from) { return {_mm512_loadu_ps(from)}; }
  static Sixteen load_some(const float* from, int count) { return {_mm512_maskz_loadu_ps(first(count), from)}; }
  static Sixteen broadcast(float value) { return {_mm512_set1_ps(value)}; }
  void store(float* to) const { _mm512_storeu_ps(to, v); }
  void store_some(float* to, int count) const { _mm512_mask_storeu_ps(to, first(count), v); }
  friend Sixteen operator+(Sixteen a, Sixteen b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend Sixteen fused(Sixteen a, Sixteen b, Sixteen c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  friend Sixteen larger(Sixteen a, Sixteen b) { return {_mm512_maskz_max_ps(0xFFFF, a.v, b.v)}; }
  friend Sixteen where_positive(Sixteen gate, Sixteen x) {
    return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(gate.v, _mm512_setzero_ps(), _CMP_GT_OQ), x.v)};
  }
  friend Sixteen first_equal(Sixteen x, Sixteen top, Sixteen& rest) {
    const __mmask16 own = _mm512_cmp_ps_mask(x.v, top.v, _CMP_EQ_OQ);
    const Sixteen taken{_mm512_maskz_mov_ps(own, rest.v)};
    rest.v = _mm512_maskz_mov_ps(__mmask16(~own), rest.v);
    return taken;
  }
  friend void totals(Sixteen a, Sixteen b, Sixteen c, Sixteen d, float* out) {
    totals_of_four(a.quarter(), b.quarter(), c.quarter(), d.quarter(), out);
  }

 private:
  static __mmask16 first(int count) { return __mmask16((1u << count) - 1); }
  template <int half>
  __m256 part() const {
    return _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xF, _mm512_castps_pd(v), half));
  }
  __m128 quarter() const {
    const __m256 sums = _mm256_add_ps(part<0>(), part<1>());
    return _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
  }
};

struct Eight {
  using Real = float;
  static constexpr int lanes = 8, outs = 4, columns = 4, weight_outs = 4;
  __m256 v;

  static Eight load(const float* from) { return {_mm256_loadu_ps(from)}; }
  static Eight broadcast(float value) { return {_mm256_set1_ps(value)}; }
  void store(float* to) const { _mm256_storeu_ps(to, v); }
  friend Eight operator+(Eight a, Eight b) { return {_mm256_add_ps(a.v, b.v)}; }
  friend Eight fused(Eight a, Eight b, Eight c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  friend Eight larger(Eight a, Eight b) { return {_mm256_max_ps(a.v, b.v)}; }
  friend Eight where_positive(Eight gate, Eight x) {
    return {_mm256_maskz_mov_ps(_mm256_cmp_ps_mask(gate.v, _mm256_setzero_ps(), _CMP_GT_OQ), x.v)};
  }
  friend Eight first_equal(Eight x, Eight top, Eight& rest) {
    const __mmask8 own = _mm256_cmp_ps_mask(x.v, top.v, _CMP_EQ_OQ);
    const Eight taken{_mm256_maskz_mov_ps(own, rest.v)};
    rest.v = _mm256_maskz_mov_ps(__mmask8(~own), rest.v);
    return taken;
  }
};

}  // namespace

extern const Lanes<float> lanes_16_avx512, lanes_8_avx512;
const Lanes<float> lanes_16_avx512 = lanes_of<Sixteen, Single<float>>("avx512");
const Lanes<float> lanes_8_avx512 = lanes_of<Eight, Single<float>>("avx512");
extern const Products products_avx512;
const Products products_avx512 = products_of<Sixteen>("avx512");

}  // namespace paceline
#endif
