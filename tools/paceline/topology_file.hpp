// What verbs do with a topology's file alone, without a scenario that says how many nodes are needed.
#pragma once
#include <memory>

#include "topologies/topology_maker.hpp"

namespace paceline {

// A shape that grows with the cluster has so many nodes; 0: eight, or two hosts.
inline std::unique_ptr<const Topology> build_topology(const TopologyMaker& maker, int nodes) {
  return maker.build(maker.room(nodes ? nodes : maker.per_host > 1 ? 2 * maker.per_host : 8));
}

}  // namespace paceline
