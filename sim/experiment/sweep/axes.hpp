// An axis of a sweep: a dotted key of the scenario and the values that it takes. It is written as a list of values
// (whole objects, too), or as one of
//   {"from": 1, "to": 1024, "factor": 2}            from · factor^i, up to and with "to"
//   {"from": 0, "to": 1, "step": 0.25}              from + i · step, up to and with "to"
//   {"random": N, "from": a, "to": b, "log": true}  N draws, uniform in [a, b], or in their logarithm
//   {"latin": N, "from": a, "to": b, "log": true}   the same, one draw in each of N equal parts, in random order;
//                                                   several such axes under "zip" are a Latin hypercube (McKay,
//                                                   Beckman, Conover, Technometrics 21, 1979)
// Bounds are numbers, or texts with one and the same unit: "1Gbps". Draws between integers are integers unless
// "real" is true; others have six significant digits; they are functions of (seed of the sweep, key, ordinal).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "sim/core/document.hpp"

namespace paceline {

struct Axis {
  std::string key;
  std::vector<Node> values;
  Place place;
};

// Throws ConfigError.
Axis read_axis(const std::string& key, const Node& written, std::uint64_t seed);

}  // namespace paceline
