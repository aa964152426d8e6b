#include "topologies/fabrics/fabric.hpp"

// clang-format off
#define KINDS(kind) \
  kind(graph) \
  kind(nvlink_mesh) \
  kind(nvlink_ring) \
  kind(nvswitch) \
  kind(pcie)
// clang-format on

PACELINE_REGISTRY(FabricMaker, fabrics, "fabric", KINDS)
