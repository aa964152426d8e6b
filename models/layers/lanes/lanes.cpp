// The kernels in plain code, and the choice among all.
#include "models/layers/lanes/lanes.hpp"

#include <algorithm>

#include "models/layers/lanes/products.hpp"
#include "models/layers/lanes/single.hpp"

namespace paceline {
namespace {

template <int L>
struct Plain {
  using Real = float;
  static constexpr int lanes = L, outs = 1, columns = 2, weight_outs = 1, rows = 1, vectors = 1;
  float v[L];

  template <class Each>
  static Plain made(const Each& each) {
    Plain out;
    for (int l = 0; l < L; ++l) out.v[l] = each(l);
    return out;
  }
  static Plain load(const float* from) {
    return made([&](int l) { return from[l]; });
  }
  static Plain load_some(const float* from, int count) {
    return made([&](int l) { return l < count ? from[l] : 0; });
  }
  static Plain broadcast(float value) {
    return made([&](int) { return value; });
  }
  void store(float* to) const { std::copy_n(v, L, to); }
  void store_some(float* to, int count) const { std::copy_n(v, count, to); }
  friend Plain operator+(const Plain& a, const Plain& b) {
    return made([&](int l) { return a.v[l] + b.v[l]; });
  }
  friend Plain fused(const Plain& a, const Plain& b, const Plain& c) {
    return made([&](int l) { return paceline::fused(a.v[l], b.v[l], c.v[l]); });
  }
  friend Plain larger(const Plain& a, const Plain& b) {
    return made([&](int l) { return a.v[l] > b.v[l] ? a.v[l] : b.v[l]; });
  }
  friend Plain where_positive(const Plain& gate, const Plain& x) {
    return made([&](int l) { return gate.v[l] > 0 ? x.v[l] : 0; });
  }
  friend Plain first_equal(const Plain& x, const Plain& top, Plain& rest) {
    const Plain own = made([&](int l) { return x.v[l] == top.v[l] ? rest.v[l] : 0; });
    rest = made([&](int l) { return x.v[l] == top.v[l] ? 0 : rest.v[l]; });
    return own;
  }
  friend void totals(const Plain& a, const Plain& b, const Plain& c, const Plain& d, float* out) {
    for (Plain sum : {a, b, c, d}) {
      for (int half = L / 2; half > 0; half /= 2)
        for (int l = 0; l < half; ++l) sum.v[l] += sum.v[l + half];
      *out++ = sum.v[0];
    }
  }
};

constexpr Lanes<float> lanes_16 = lanes_of<Plain<16>, Single<float>>("plain");
constexpr Lanes<float> lanes_8 = lanes_of<Plain<8>, Single<float>>("plain");
constexpr Products products = products_of<Plain<16>>("plain");
constexpr Lanes<double> lanes_1 = lanes_of<Single<double>, Single<double>>("double");

}  // namespace

#if defined(__x86_64__)
extern const Lanes<float> lanes_16_avx512, lanes_8_avx512, lanes_16_avx2, lanes_8_avx2;
extern const Products products_avx512, products_avx2;

static bool has_avx512() { return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"); }
static bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif

std::vector<const Lanes<float>*> lanes_here(int count) {
  std::vector<const Lanes<float>*> here;
#if defined(__x86_64__)
  if (has_avx512()) here.push_back(count == 16 ? &lanes_16_avx512 : &lanes_8_avx512);
  if (has_avx2()) here.push_back(count == 16 ? &lanes_16_avx2 : &lanes_8_avx2);
#endif
  here.push_back(count == 16 ? &lanes_16 : &lanes_8);
  return here;
}

std::vector<const Products*> products_here() {
  std::vector<const Products*> here;
#if defined(__x86_64__)
  if (has_avx512()) here.push_back(&products_avx512);
  if (has_avx2()) here.push_back(&products_avx2);
#endif
  here.push_back(&products);
  return here;
}

template <>
const Lanes<float>& lanes_for(std::size_t images) {
  static const Lanes<float>&wide = *lanes_here(16)[0], &narrow = *lanes_here(8)[0];
  return images > 8 ? wide : narrow;
}

template <>
const Lanes<double>& lanes_for(std::size_t) {
  return lanes_1;
}

}  // namespace paceline
