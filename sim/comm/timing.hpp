// One collective by itself on an idle network: all ranks join at time 0.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "sim/comm/collective.hpp"

namespace paceline {

struct CollectiveTiming {
  double seconds = 0;      // until the last rank has its result
  double lower_bound = 0;  // seconds
  std::string algorithm;   // that was taken
  Fidelity fidelity = Fidelity::fluid;
  std::uint64_t transfers = 0;
};

// `nodes`: of the ranks. `values`, if given, are each rank's, of equal lengths; the results take their place.
// Throws std::invalid_argument when the algorithm refuses.
CollectiveTiming time_collective(const Topology& topology, std::span<const int> nodes, const Algorithm& algorithm,
                                 Op op, double bytes, Fidelity fidelity, std::span<std::vector<float>> values = {});

}  // namespace paceline
