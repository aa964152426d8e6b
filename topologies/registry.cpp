// Every shape takes the key "hosts" besides its own.
#include "topologies/topology_maker.hpp"

// clang-format off
#define KINDS(kind) \
  kind(dragonfly) \
  kind(fat_tree) \
  kind(full_mesh) \
  kind(graph) \
  kind(ideal) \
  kind(leaf_spine) \
  kind(rail_optimized) \
  kind(ring) \
  kind(star) \
  kind(torus)
// clang-format on

#define DECLARE_SHAPE(name) TopologyMaker name(Reader& in);
#define LIST_SHAPE(name) {#name, [](Reader& in) { return with_hosts(in, name); }},

namespace paceline::topologies {
KINDS(DECLARE_SHAPE)
const Registry<TopologyMaker>& all() {
  static const Registry<TopologyMaker> table("topology", {KINDS(LIST_SHAPE)});
  return table;
}
}  // namespace paceline::topologies
