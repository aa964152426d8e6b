#include "topologies/topology_maker.hpp"

// clang-format off
#define KINDS(kind) \
  kind(graph) \
  kind(ideal) \
  kind(leaf_spine) \
  kind(star)
// clang-format on

PACELINE_REGISTRY(TopologyMaker, topologies, "topology", KINDS)
