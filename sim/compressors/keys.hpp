// Keys that several compressors have, and what follows from them.
#pragma once
#include <algorithm>
#include <cmath>

#include "sim/core/reader.hpp"

namespace paceline {

inline double read_time(Reader& in) {
  const double time =
      in.duration("time", {.fallback = 0, .help = "of encoding and decoding a gradient, on the worker's device"});
  if (!in.has("time")) in.note("time", "not given: compressing takes no time");
  return time;
}

inline double read_ratio(Reader& in) {
  return in.number("ratio", {.minimum = 0, .maximum = 1, .above_minimum = true, .help = "share of entries sent"});
}

// k = max(1, ⌊rD⌋) of D entries, where a product that rounding alone puts below an integer counts as that integer:
// 0.29 of 100 are 29.
inline double kept(double ratio, double entries) { return std::max(1.0, std::floor(ratio * entries * (1 + 0x1p-50))); }
inline std::size_t kept(double ratio, std::size_t size) {
  return std::min(size, std::size_t(kept(ratio, double(size))));
}

}  // namespace paceline
