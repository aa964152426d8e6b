// What halving and doubling have in common: pairs of ranks whose distance is a power of two, and, where N is not one,
// p = 2^⌊lg N⌋ ranks that do the work, and the others, which hand theirs over to rank r - p first and get the result
// from there (Thakur et al. 2005).
#pragma once
#include <bit>

#include "sim/comm/collective.hpp"

namespace paceline::collectives {

inline int power_below(int n) { return int(std::bit_floor(unsigned(n))); }

// All ranks below p exchange something with those at a distance.
inline Phase exchange(const Communicator& group, int p, int distance, double bytes) {
  Phase phase;
  for (int rank = 0; rank < p; ++rank)
    phase.push_back({rank, rank ^ distance, bytes, group.latency(rank, rank ^ distance)});
  return phase;
}

// The ranks from p on hand over (in), or get (out).
inline Phase fold(const Communicator& group, int p, double bytes, bool in) {
  Phase phase;
  for (int rank = p; rank < group.size(); ++rank) {
    const int from = in ? rank : rank - p, to = in ? rank - p : rank;
    phase.push_back({from, to, bytes, group.latency(from, to)});
  }
  return phase;
}

}  // namespace paceline::collectives
