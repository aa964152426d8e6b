// The loops of lanes.hpp over any type of vector. Included by one file per instruction set, each with its own flags:
// all is in a nameless namespace and uses no library, so that no code for one processor is linked into another's.
//
// A vector V has V::Real and V::lanes, and these functions: load, store, broadcast, fused(a, b, c) = a·b + c in one
// rounding, larger, where_positive(gate, x) = gate > 0 ? x : 0, first_equal(x, top, rest): rest where x is top, which
// leaves rest. Tiles are sized by V::outs × V::columns, sums that fit the registers.
#pragma once
#include "models/layers/lanes/lanes.hpp"

namespace paceline {
namespace {

using Index = long;  // offsets exceed int in large nets

#ifdef __clang__
#define PACELINE_UNROLL _Pragma("unroll")
#else
#define PACELINE_UNROLL _Pragma("GCC unroll 8")
#endif

template <class V>
void gather(const typename V::Real* rows, int n, int size, typename V::Real* x) {
  for (Index i = 0; i < size; ++i)
    for (Index l = 0; l < V::lanes; ++l) x[i * V::lanes + l] = l < n ? rows[l * size + i] : 0;
}

template <class V>
void scatter(const typename V::Real* x, int n, int size, typename V::Real* rows) {
  for (Index l = 0; l < n; ++l)
    for (Index i = 0; i < size; ++i) rows[l * size + i] = x[i * V::lanes + l];
}

template <class V>
void add_lanes(const typename V::Real* sums, int size, typename V::Real* g) {
  for (Index i = 0; i < size; ++i, sums += V::lanes) {
    typename V::Real part[V::lanes];
    for (int l = 0; l < V::lanes; ++l) part[l] = sums[l];
    for (int half = V::lanes / 2; half > 0; half /= 2)
      for (int l = 0; l < half; ++l) part[l] += part[l + half];
    g[i] += part[0];
  }
}

// TO channels × TC neighbouring columns of y. K: the kernel's width, or 0 for any.
template <class V, int K, int TO, int TC>
inline __attribute__((always_inline)) void convolve_tile(const Stencil& s, const typename V::Real* x,
                                                         const typename V::Real* w, const typename V::Real* bias,
                                                         typename V::Real* y, int o, int r, int c) {
  V sum[TO][TC];
  PACELINE_UNROLL
  for (int t = 0; t < TO; ++t) {
    PACELINE_UNROLL
    for (int p = 0; p < TC; ++p) sum[t][p] = V::broadcast(bias ? bias[o + t] : 0);
  }
  const Index square = Index(s.kernel) * s.kernel, own = s.in.channels * square, step = Index(s.stride) * V::lanes;
  const Index top = Index(r) * s.stride - s.margin;
  const int first = top < 0 ? int(-top) : 0, last = top + s.kernel > s.in.height ? int(s.in.height - top) : s.kernel;
  for (int i = 0; i < s.in.channels; ++i)
    for (int a = first; a < last; ++a) {
      const auto* from = x + ((i * Index(s.in.height) + top + a) * s.in.width + c * s.stride) * V::lanes;
      const auto* taps = w + o * own + i * square + a * s.kernel;
      const auto tap_of = [&](int b) __attribute__((always_inline)) {
        V at[TC];
        PACELINE_UNROLL
        for (int p = 0; p < TC; ++p) at[p] = V::load(from + b * V::lanes + p * step);
        PACELINE_UNROLL
        for (int t = 0; t < TO; ++t) {
          const V tap = V::broadcast(taps[t * own + b]);
          PACELINE_UNROLL
          for (int p = 0; p < TC; ++p) sum[t][p] = fused(at[p], tap, sum[t][p]);
        }
      };
      if constexpr (K > 0) {
        PACELINE_UNROLL
        for (int b = 0; b < K; ++b) tap_of(b);
      } else {
        for (int b = 0; b < s.kernel; ++b) tap_of(b);
      }
    }
  PACELINE_UNROLL
  for (int t = 0; t < TO; ++t) {
    PACELINE_UNROLL
    for (int p = 0; p < TC; ++p)
      sum[t][p].store(y + (((Index(o) + t) * s.out.height + r) * s.out.width + c + p) * V::lanes);
  }
}

template <class V, int K, int TO>
inline __attribute__((always_inline)) void convolve_channels(const Stencil& s, const typename V::Real* x,
                                                             const typename V::Real* w, const typename V::Real* bias,
                                                             typename V::Real* y, int o) {
  for (int r = 0; r < s.out.height; ++r) {
    int c = 0;
    for (; c + V::columns <= s.out.width; c += V::columns)
      convolve_tile<V, K, TO, V::columns>(s, x, w, bias, y, o, r, c);
    for (; c + 2 <= s.out.width; c += 2) convolve_tile<V, K, TO, 2>(s, x, w, bias, y, o, r, c);
    for (; c < s.out.width; ++c) convolve_tile<V, K, TO, 1>(s, x, w, bias, y, o, r, c);
  }
}

template <class V, int K>
void convolve_with(const Stencil& s, const typename V::Real* x, const typename V::Real* w, const typename V::Real* bias,
                   typename V::Real* y) {
  int o = 0;
  for (; o + V::outs <= s.out.channels; o += V::outs) convolve_channels<V, K, V::outs>(s, x, w, bias, y, o);
  for (; o < s.out.channels; ++o) convolve_channels<V, K, 1>(s, x, w, bias, y, o);
}

template <class V>
void convolve(const Stencil& s, const typename V::Real* x, const typename V::Real* w, const typename V::Real* bias,
              typename V::Real* y) {
  if (s.kernel == 3) convolve_with<V, 3>(s, x, w, bias, y);
  else if (s.kernel == 5) convolve_with<V, 5>(s, x, w, bias, y);
  else convolve_with<V, 0>(s, x, w, bias, y);
}

// TO channels × TB neighbouring taps of dw.
template <class V, int TO, int TB>
inline __attribute__((always_inline)) void weights_tile(const Stencil& s, const typename V::Real* x,
                                                        const typename V::Real* dy, typename V::Real* dw, int o, int i,
                                                        int a, int b) {
  V sum[TO][TB];
  const auto place = [&](int t, int p) {
    return dw + ((((Index(o) + t) * s.in.channels + i) * s.kernel + a) * s.kernel + b + p) * V::lanes;
  };
  PACELINE_UNROLL
  for (int t = 0; t < TO; ++t) {
    PACELINE_UNROLL
    for (int p = 0; p < TB; ++p) sum[t][p] = V::load(place(t, p));
  }
  const Index plane = Index(s.out.height) * s.out.width * V::lanes, step = Index(s.stride) * V::lanes;
  for (int r = 0; r < s.out.height; ++r) {
    const Index row = Index(r) * s.stride + a - s.margin;
    if (row < 0 || row >= s.in.height) continue;
    const auto* from = x + ((i * Index(s.in.height) + row) * s.in.width + b) * V::lanes;
    const auto* slope = dy + o * plane + Index(r) * s.out.width * V::lanes;
    for (int c = 0; c < s.out.width; ++c, from += step, slope += V::lanes) {
      V at[TB];
      PACELINE_UNROLL
      for (int p = 0; p < TB; ++p) at[p] = V::load(from + p * V::lanes);
      PACELINE_UNROLL
      for (int t = 0; t < TO; ++t) {
        const V d = V::load(slope + t * plane);
        PACELINE_UNROLL
        for (int p = 0; p < TB; ++p) sum[t][p] = fused(at[p], d, sum[t][p]);
      }
    }
  }
  PACELINE_UNROLL
  for (int t = 0; t < TO; ++t) {
    PACELINE_UNROLL
    for (int p = 0; p < TB; ++p) sum[t][p].store(place(t, p));
  }
}

template <class V, int TO>
inline __attribute__((always_inline)) void weights_of_channels(const Stencil& s, const typename V::Real* x,
                                                               const typename V::Real* dy, typename V::Real* dw,
                                                               int o) {
  for (int i = 0; i < s.in.channels; ++i)
    for (int a = 0; a < s.kernel; ++a) {
      int b = 0;
      for (; b + 5 <= s.kernel; b += 5) weights_tile<V, TO, 5>(s, x, dy, dw, o, i, a, b);
      for (; b + 3 <= s.kernel; b += 3) weights_tile<V, TO, 3>(s, x, dy, dw, o, i, a, b);
      for (; b < s.kernel; ++b) weights_tile<V, TO, 1>(s, x, dy, dw, o, i, a, b);
    }
}

template <class V>
void convolve_weights(const Stencil& s, const typename V::Real* x, const typename V::Real* dy, typename V::Real* dw,
                      typename V::Real* db) {
  int o = 0;
  for (; o + V::weight_outs <= s.out.channels; o += V::weight_outs)
    weights_of_channels<V, V::weight_outs>(s, x, dy, dw, o);
  for (; o < s.out.channels; ++o) weights_of_channels<V, 1>(s, x, dy, dw, o);
  for (o = 0; o < s.out.channels; ++o) {
    V sum = V::load(db + o * V::lanes);
    for (int i = 0; i < s.out.height * s.out.width; ++i, dy += V::lanes) sum = sum + V::load(dy);
    sum.store(db + o * V::lanes);
  }
}

template <class V>
void spread(const Plane& in, const Plane& out, int left, int step, const typename V::Real* x, typename V::Real* y) {
  const V zero = V::broadcast(0);
  for (Index i = 0; i < out.size(); ++i) zero.store(y + i * V::lanes);
  for (int o = 0; o < in.channels; ++o)
    for (int r = 0; r < in.height; ++r)
      for (int c = 0; c < in.width; ++c, x += V::lanes)
        V::load(x).store(y + ((Index(o) * out.height + r * step) * out.width + left + c * step) * V::lanes);
}

template <class V>
void relu(int size, typename V::Real* y) {
  for (Index i = 0; i < size; ++i, y += V::lanes) larger(V::broadcast(0), V::load(y)).store(y);
}

template <class V>
void relu_backward(int size, const typename V::Real* y, typename V::Real* dy) {
  for (Index i = 0; i < size; ++i, y += V::lanes, dy += V::lanes) where_positive(V::load(y), V::load(dy)).store(dy);
}

template <class V>
void max_pool(const Plane& in, int square, const typename V::Real* x, typename V::Real* y) {
  for (int o = 0; o < in.channels; ++o)
    for (int r = 0; r + square <= in.height; r += square)
      for (int c = 0; c + square <= in.width; c += square, y += V::lanes) {
        const auto* from = x + ((Index(o) * in.height + r) * in.width + c) * V::lanes;
        V top = V::load(from);
        for (int a = 0; a < square; ++a)
          for (int b = 0; b < square; ++b) top = larger(top, V::load(from + (Index(a) * in.width + b) * V::lanes));
        top.store(y);
      }
}

template <class V>
void max_pool_backward(const Plane& in, int square, const typename V::Real* x, const typename V::Real* dy,
                       typename V::Real* dx) {
  const V zero = V::broadcast(0);
  if (in.height % square != 0 || in.width % square != 0)
    for (Index i = 0; i < in.size(); ++i) zero.store(dx + i * V::lanes);
  for (int o = 0; o < in.channels; ++o)
    for (int r = 0; r + square <= in.height; r += square)
      for (int c = 0; c + square <= in.width; c += square, dy += V::lanes) {
        const Index at = ((Index(o) * in.height + r) * in.width + c) * V::lanes;
        V top = V::load(x + at), rest = V::load(dy);
        const auto place = [&](int a, int b) { return at + (Index(a) * in.width + b) * V::lanes; };
        for (int a = 0; a < square; ++a)
          for (int b = 0; b < square; ++b) top = larger(top, V::load(x + place(a, b)));
        for (int a = 0; a < square; ++a)
          for (int b = 0; b < square; ++b) first_equal(V::load(x + place(a, b)), top, rest).store(dx + place(a, b));
      }
}

template <class V, int T>
inline __attribute__((always_inline)) void linear_tile(int in, const typename V::Real* x, const typename V::Real* w,
                                                       const typename V::Real* b, typename V::Real* y, int o) {
  V sum[T];
  PACELINE_UNROLL
  for (int t = 0; t < T; ++t) sum[t] = V::broadcast(b[o + t]);
  for (Index i = 0; i < in; ++i) {
    const V at = V::load(x + i * V::lanes);
    PACELINE_UNROLL
    for (int t = 0; t < T; ++t) sum[t] = fused(at, V::broadcast(w[(Index(o) + t) * in + i]), sum[t]);
  }
  PACELINE_UNROLL
  for (int t = 0; t < T; ++t) sum[t].store(y + (Index(o) + t) * V::lanes);
}

template <class V>
void linear(int in, int out, const typename V::Real* x, const typename V::Real* w, const typename V::Real* b,
            typename V::Real* y) {
  int o = 0;
  for (; o + 8 <= out; o += 8) linear_tile<V, 8>(in, x, w, b, y, o);
  for (; o + 2 <= out; o += 2) linear_tile<V, 2>(in, x, w, b, y, o);
  for (; o < out; ++o) linear_tile<V, 1>(in, x, w, b, y, o);
}

template <class V, int T>
inline __attribute__((always_inline)) void inputs_tile(int in, int out, const typename V::Real* dy,
                                                       const typename V::Real* w, typename V::Real* dx, int i) {
  V sum[T];
  PACELINE_UNROLL
  for (int t = 0; t < T; ++t) sum[t] = V::broadcast(0);
  for (Index o = 0; o < out; ++o) {
    const V d = V::load(dy + o * V::lanes);
    PACELINE_UNROLL
    for (int t = 0; t < T; ++t) sum[t] = fused(d, V::broadcast(w[o * in + i + t]), sum[t]);
  }
  PACELINE_UNROLL
  for (int t = 0; t < T; ++t) sum[t].store(dx + (Index(i) + t) * V::lanes);
}

template <class V>
void linear_inputs(int in, int out, const typename V::Real* dy, const typename V::Real* w, typename V::Real* dx) {
  int i = 0;
  for (; i + 8 <= in; i += 8) inputs_tile<V, 8>(in, out, dy, w, dx, i);
  for (; i < in; ++i) inputs_tile<V, 1>(in, out, dy, w, dx, i);
}

// Here a vector is V::lanes neighbouring inputs of one row.
template <class V, class One>
void linear_weights(int n, int in, int out, const typename V::Real* x, const typename V::Real* dy, typename V::Real* dw,
                    typename V::Real* db) {
  for (int o = 0; o < out; ++o) {
    auto* own = dw + Index(o) * in;
    Index i = 0;
    for (; i + V::lanes <= in; i += V::lanes) {
      V sum = V::load(own + i);
      for (Index r = 0; r < n; ++r) sum = fused(V::load(x + r * in + i), V::broadcast(dy[r * out + o]), sum);
      sum.store(own + i);
    }
    for (; i < in; ++i) {
      One sum = One::load(own + i);
      for (Index r = 0; r < n; ++r) sum = fused(One::load(x + r * in + i), One::broadcast(dy[r * out + o]), sum);
      sum.store(own + i);
    }
    for (Index r = 0; r < n; ++r) db[o] += dy[r * out + o];
  }
}

template <class V, class One>
constexpr Lanes<typename V::Real> lanes_of(const char* name) {
  return {name,
          V::lanes,
          gather<V>,
          scatter<V>,
          add_lanes<V>,
          convolve<V>,
          convolve_weights<V>,
          spread<V>,
          relu<V>,
          relu_backward<V>,
          max_pool<V>,
          max_pool_backward<V>,
          linear<V>,
          linear_inputs<V>,
          linear_weights<V, One>};
}

}  // namespace
}  // namespace paceline
