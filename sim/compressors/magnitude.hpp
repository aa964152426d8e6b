// Magnitudes as integers: the bits of |x| are in the order of |x|, with infinity above all numbers and NaN above that,
// so that a selection by them is a strict order and takes what has diverged first.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace paceline {

inline std::int32_t magnitude(float x) { return std::bit_cast<std::int32_t>(x) & 0x7FFFFFFF; }

// The largest |x|; NaN where there is one.
inline float largest_magnitude(std::span<const float> values) {
  std::int32_t largest = 0;
  for (const float x : values) largest = std::max(largest, magnitude(x));
  return std::bit_cast<float>(largest);
}

// The k entries of largest magnitude, of equal ones those of lower index.
class Largest {
 public:
  // Calls take(index) for each, by index.
  template <class Take>
  void each(std::span<const float> values, std::size_t k, const Take& take) {
    if (k == 0) return;
    order_.resize(values.size());
    std::transform(values.begin(), values.end(), order_.begin(), magnitude);
    std::nth_element(order_.begin(), order_.begin() + std::ptrdiff_t(k - 1), order_.end(), std::greater<>());
    const std::int32_t least = order_[k - 1];
    const auto above = std::count_if(order_.begin(), order_.begin() + std::ptrdiff_t(k),
                                     [least](std::int32_t x) { return x > least; });
    std::size_t equal = k - std::size_t(above);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::int32_t own = magnitude(values[i]);
      if (own < least || (own == least && equal == 0)) continue;
      if (own == least) --equal;
      take(i);
    }
  }

 private:
  std::vector<std::int32_t> order_;
};

// −1, 0 or 1; NaN where x is not finite, so that a run that diverges shows it.
inline float sign(float x) { return float((x > 0) - (x < 0)) + 0 * x; }

}  // namespace paceline
