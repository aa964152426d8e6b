// rail_optimized: network card j of every host is on rail switch j, and spines join the rails: cards of one rail are
// two links apart, others four. A node is a card, host by host; with the key "hosts" the hosts are there, too, and
// their fabric joins what is on different rails. Rail switches have ports for so many hosts; more hosts are in further
// units of as many rail switches.
#include "topologies/leaf_spine.hpp"

namespace paceline::topologies {

TopologyMaker rail_optimized(Reader& in) {
  in.about("card j of every host on rail switch j, spines above the rails; else as leaf_spine");
  LeafSpine::Shape shape;
  const int nodes = read_nodes(in);
  shape.rails = int(in.integer("rails", {.minimum = 1, .maximum = 256, .help = "network cards of a host"}));
  const auto hosts_per_rail = in.optional_integer(
      "hosts_per_rail", {.minimum = 1, .maximum = 65536, .help = "ports of a rail switch; left out: as many as hosts"});
  shape.spines = int(in.integer("spines", {.minimum = 1, .maximum = 4096, .help = "switches that join the rails"}));
  shape.node_link = read_link(in, "node_link", "between a card and its rail switch");
  shape.uplink = read_link(in, "uplink", "between a rail switch and a spine");
  return {nodes, [shape, hosts_per_rail](int count) {
            LeafSpine::Shape grown = shape;
            const int hosts = (count + shape.rails - 1) / shape.rails;
            grown.nodes_per_leaf = int(hosts_per_rail.value_or(hosts));
            grown.leaves = (hosts + grown.nodes_per_leaf - 1) / grown.nodes_per_leaf * shape.rails;
            return std::make_unique<LeafSpine>(count, grown);
          }};
}

}  // namespace paceline::topologies
