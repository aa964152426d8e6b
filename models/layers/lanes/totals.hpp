// The last steps of a sum over lanes, for both widths of registers: out [4] = the sums of a, b, c and d, each as
// (x₀ + x₂) + (x₁ + x₃).
#pragma once
#include <immintrin.h>

namespace paceline {
namespace {

inline void totals_of_four(__m128 a, __m128 b, __m128 c, __m128 d, float* out) {
  const __m128 low = _mm_add_ps(_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
  const __m128 high = _mm_add_ps(_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
  _mm_storeu_ps(out, _mm_add_ps(_mm_movelh_ps(low, high), _mm_movehl_ps(high, low)));
}

}  // namespace
}  // namespace paceline
