// leaf_spine: two levels of switches; see leaf_spine.hpp.
#include "topologies/leaf_spine.hpp"

#include <fmt/format.h>

namespace paceline::topologies {

std::string LeafSpine::vertex_name(int vertex) const {
  if (vertex < nodes_) return Topology::vertex_name(vertex);
  const int leaf = vertex - nodes_, rails = shape_.rails;
  if (leaf >= shape_.leaves) return fmt::format("spine{}", leaf - shape_.leaves);
  if (rails == 1) return fmt::format("leaf{}", leaf);
  return shape_.leaves == rails ? fmt::format("rail{}", leaf)
                                : fmt::format("unit{}.rail{}", leaf / rails, leaf % rails);
}

Ends LeafSpine::ends(LinkId id) const {
  const bool up = id % 2 == 0;
  Ends at{int(id / 2), 0};
  if (id < first_uplink()) {
    at.to = nodes_ + leaf(at.from);
  } else {
    const int pair = int((id - first_uplink()) / 2);
    at = {nodes_ + pair / shape_.spines, nodes_ + shape_.leaves + pair % shape_.spines};
  }
  return up ? at : Ends{at.to, at.from};
}

unsigned LeafSpine::longest_route() const {
  const bool one_leaf = shape_.rails == 1 ? leaf(nodes_ - 1) == 0 : nodes_ == 1;
  return !one_leaf ? 4 : nodes_ > 1 ? 2 : 0;
}

void LeafSpine::route(int from, int to, std::uint64_t flow, std::vector<LinkId>& out) const {
  out.clear();
  if (from == to) return;
  const LinkId up = 2 * LinkId(from), down = 2 * LinkId(to) + 1;
  if (leaf(from) == leaf(to)) {
    out = {up, down};
    return;
  }
  const int spine = int(route_hash(from, to, flow) % std::uint64_t(shape_.spines));
  out = {up, uplink(leaf(from), spine), uplink(leaf(to), spine) + 1, down};
}

TopologyMaker leaf_spine(Reader& in) {
  in.about("two levels of switches; flows are spread over the spines by a hash, as ECMP does");
  LeafSpine::Shape shape;
  shape.leaves = int(in.integer("leaves", {.minimum = 1, .maximum = 65536, .help = "switches that hold nodes"}));
  shape.nodes_per_leaf =
      int(in.integer("nodes_per_leaf", {.minimum = 1, .maximum = 65536, .help = "nodes on each leaf"}));
  shape.spines = int(in.integer("spines", {.minimum = 1, .maximum = 65536, .help = "switches that join the leaves"}));
  shape.node_link = read_link(in, "node_link", "between a node and its leaf");
  shape.uplink = read_link(in, "uplink", "between a leaf and a spine");
  const int nodes = read_nodes(in, std::int64_t{shape.leaves} * shape.nodes_per_leaf, "leaves * nodes_per_leaf");
  return {nodes, [shape](int count) { return std::make_unique<LeafSpine>(count, shape); }};
}

}  // namespace paceline::topologies
