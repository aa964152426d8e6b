// Products of matrices over any type of vector, whose lanes are here neighbours in a row. Included as kernels.hpp is.
//
// Beyond those of kernels.hpp a vector V has load_some and store_some, of the first `count` lanes, the others 0; and
// totals(a, b, c, d, out): out [4] = the sums over the lanes of each, halves added until one is left. Tiles are of
// V::rows × V::vectors sums, which fit the registers.
#pragma once
#include "models/layers/lanes/kernels.hpp"

namespace paceline {
namespace {

inline Index smaller_of(Index a, Index b) { return a < b ? a : b; }
inline Index larger_of(Index a, Index b) { return a < b ? b : a; }

// T rows of a, four of b: every sum is one chain along k in each lane, then over the lanes.
template <class V, int T>
inline __attribute__((always_inline)) void dots_tile(Index n, Index k, const typename V::Real* a,
                                                     const typename V::Real* b, typename V::Real* c) {
  V sum[T][4];
  PACELINE_UNROLL
  for (int t = 0; t < T; ++t) {
    PACELINE_UNROLL
    for (int q = 0; q < 4; ++q) sum[t][q] = V::broadcast(0);
  }
  const auto add = [&](const auto& load) __attribute__((always_inline)) {
    V from[T];
    PACELINE_UNROLL
    for (int t = 0; t < T; ++t) from[t] = load(a + t * k);
    PACELINE_UNROLL
    for (int q = 0; q < 4; ++q) {
      const V other = load(b + q * k);
      PACELINE_UNROLL
      for (int t = 0; t < T; ++t) sum[t][q] = fused(from[t], other, sum[t][q]);
    }
  };
  Index l = 0;
  for (; l + V::lanes <= k; l += V::lanes)
    add([l](const typename V::Real* row) __attribute__((always_inline)) { return V::load(row + l); });
  if (const int rest = int(k - l); rest > 0)
    add([ l, rest ](const typename V::Real* row)
            __attribute__((always_inline)) { return V::load_some(row + l, rest); });
  PACELINE_UNROLL
  for (int t = 0; t < T; ++t) totals(sum[t][0], sum[t][1], sum[t][2], sum[t][3], c + t * n);
}

template <class V>
inline __attribute__((always_inline)) void dot(Index k, const typename V::Real* a, const typename V::Real* b,
                                               typename V::Real* c) {
  V sum = V::broadcast(0);
  Index l = 0;
  for (; l + V::lanes <= k; l += V::lanes) sum = fused(V::load(a + l), V::load(b + l), sum);
  if (l < k) sum = fused(V::load_some(a + l, int(k - l)), V::load_some(b + l, int(k - l)), sum);
  typename V::Real total[4];
  totals(sum, sum, sum, sum, total);
  *c = total[0];
}

// Blocks of b stay in the first cache while all rows of a go by; meanwhile the next block is fetched, a share with each
// tile, since b may come from afar.
template <class V>
void product_transposed(int m, int n, int k, const typename V::Real* a, const typename V::Real* b,
                        typename V::Real* c) {
  constexpr Index cached = (24 << 10) / sizeof(typename V::Real), line = 64 / sizeof(typename V::Real);
  const Index block = larger_of(4, cached / k / 4 * 4), whole = n / 4 * 4;
  for (Index first = 0; first < n; first += block) {
    const Index last = smaller_of(n, first + block), tiles = smaller_of(last, whole);
    const typename V::Real *next = b + last * k, *const end = b + smaller_of(n, last + block) * k;
    const Index share = (end - next) / larger_of(1, (tiles - first) / 4 * (m / V::rows)) + line;
    Index i = 0;
    for (; i + V::rows <= m; i += V::rows)
      for (Index j = first; j < tiles; j += 4) {
        for (const auto* until = next + smaller_of(share, end - next); next < until; next += line)
          __builtin_prefetch(next);
        dots_tile<V, V::rows>(n, k, a + i * k, b + j * k, c + i * n + j);
      }
    for (; i < m; ++i)
      for (Index j = first; j < tiles; j += 4) dots_tile<V, 1>(n, k, a + i * k, b + j * k, c + i * n + j);
    for (Index j = larger_of(first, whole); j < last; ++j)
      for (i = 0; i < m; ++i) dot<V>(k, a + i * k, b + j * k, c + i * n + j);
  }
}

template <class Real>
struct Strided {  // entry (i, l) is at i · row + l · column
  const Real* at;
  Index row, column;
};

// TM rows of c, TV vectors of each, the last of `some` lanes: every entry is one chain along l.
template <class V, int TM, int TV, class Some>
inline __attribute__((always_inline)) void combination_tile(Index n, Index k, Strided<typename V::Real> a,
                                                            const typename V::Real* b, bool add, Some some,
                                                            typename V::Real* c) {
  const auto load = [some](const typename V::Real* row, int v) __attribute__((always_inline)) {
    return v + 1 < TV ? V::load(row + v * V::lanes) : some.load(row + v * V::lanes);
  };
  V sum[TM][TV];
  PACELINE_UNROLL
  for (int t = 0; t < TM; ++t) {
    PACELINE_UNROLL
    for (int v = 0; v < TV; ++v) sum[t][v] = add ? load(c + t * n, v) : V::broadcast(0);
  }
  for (Index l = 0; l < k; ++l) {
    V from[TV];
    PACELINE_UNROLL
    for (int v = 0; v < TV; ++v) from[v] = load(b + l * n, v);
    PACELINE_UNROLL
    for (int t = 0; t < TM; ++t) {
      const V factor = V::broadcast(a.at[t * a.row + l * a.column]);
      PACELINE_UNROLL
      for (int v = 0; v < TV; ++v) sum[t][v] = fused(factor, from[v], sum[t][v]);
    }
  }
  PACELINE_UNROLL
  for (int t = 0; t < TM; ++t) {
    PACELINE_UNROLL
    for (int v = 0; v + 1 < TV; ++v) sum[t][v].store(c + t * n + v * V::lanes);
    some.store(sum[t][TV - 1], c + t * n + (TV - 1) * V::lanes);
  }
}

template <class V, int TV, class Some>
inline __attribute__((always_inline)) void combination_columns(Index m, Index n, Index k, Strided<typename V::Real> a,
                                                               const typename V::Real* b, bool add, Some some,
                                                               typename V::Real* c) {
  Index i = 0;
  for (; i + V::rows <= m; i += V::rows)
    combination_tile<V, V::rows, TV>(n, k, {a.at + i * a.row, a.row, a.column}, b, add, some, c + i * n);
  for (; i < m; ++i) combination_tile<V, 1, TV>(n, k, {a.at + i * a.row, a.row, a.column}, b, add, some, c + i * n);
}

template <class V>
struct AllLanes {
  V load(const typename V::Real* from) const { return V::load(from); }
  void store(V v, typename V::Real* to) const { v.store(to); }
};
template <class V>
struct SomeLanes {
  int count;
  V load(const typename V::Real* from) const { return V::load_some(from, count); }
  void store(V v, typename V::Real* to) const { v.store_some(to, count); }
};

// c [m, n] = a · b, or c + a · b.
template <class V>
void combination(int m, int n, int k, Strided<typename V::Real> a, const typename V::Real* b, bool add,
                 typename V::Real* c) {
  Index vectors = n / V::lanes;
  for (Index tiles = (vectors + V::vectors - 1) / V::vectors; tiles > 0; --tiles) {
    const Index own = (vectors + tiles - 1) / tiles;  // as equal as can be
    const auto columns = [&]<int TV>() { combination_columns<V, TV>(m, n, k, a, b, add, AllLanes<V>{}, c); };
    if (own == 1) columns.template operator()<1>();
    if constexpr (V::vectors > 1)
      if (own == 2) columns.template operator()<2>();
    if constexpr (V::vectors > 2) {
      if (own == 3) columns.template operator()<3>();
      if (own == 4) columns.template operator()<4>();
    }
    b += own * V::lanes, c += own * V::lanes, vectors -= own;
  }
  if (const int rest = n % V::lanes; rest > 0) combination_columns<V, 1>(m, n, k, a, b, add, SomeLanes<V>{rest}, c);
}

template <class V>
void product(int m, int n, int k, const typename V::Real* a, const typename V::Real* b, typename V::Real* c) {
  combination<V>(m, n, k, {a, k, 1}, b, false, c);
}

template <class V>
void transposed_product(int m, int n, int k, const typename V::Real* a, const typename V::Real* b, bool add,
                        typename V::Real* c) {
  combination<V>(m, n, k, {a, 1, m}, b, add, c);
}

template <class V>
constexpr Products products_of(const char* name) {
  return {name, product<V>, product_transposed<V>, transposed_product<V>};
}

}  // namespace
}  // namespace paceline
