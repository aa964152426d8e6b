// Placement: which nodes workers, then dedicated servers, sit on.
//   packed   nodes 0, 1, 2, … in order: one host, one leaf, one pod after the other
//   spread   one to a host, evenly over all hosts; with more than hosts, in turn, the next round on the hosts' next
//   nodes random   any, by the run's seed
#pragma once
#include <vector>

#include "sim/cluster/topology.hpp"

namespace paceline {

enum class Placement { packed, spread, random };

// The nodes of so many, each once; the topology has at least as many.
std::vector<int> place(Placement rule, int count, const Topology& topology, std::uint64_t seed);

}  // namespace paceline
