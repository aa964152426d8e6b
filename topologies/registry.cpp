#include "topologies/topology_maker.hpp"

#define KINDS(kind) \
  kind(graph)       \
  kind(ideal)       \
  kind(leaf_spine)  \
  kind(star)

PACELINE_REGISTRY(TopologyMaker, topologies, "topology", KINDS)
