// leaf_spine: every leaf switch holds some nodes and reaches every spine switch: two nodes are two links apart under
// one leaf and four otherwise. Oversubscription = nodes_per_leaf * node bandwidth / (spines * uplink bandwidth). The
// spine of a flow is chosen by a hash of (from, to, flow), as ECMP does.
#include <fmt/format.h>

#include "sim/core/random.hpp"
#include "topologies/topology_maker.hpp"

namespace paceline::topologies {
namespace {

struct Shape {
  int leaves = 1, nodes_per_leaf = 1, spines = 1;
  LinkSpec node_link{}, uplink{};
};

class LeafSpine final : public Topology {
 public:
  LeafSpine(int nodes, const Shape& shape) : nodes_(nodes), shape_(shape) {}
  int nodes() const override { return nodes_; }
  std::uint32_t links() const override { return first_uplink() + 2 * std::uint32_t(shape_.leaves * shape_.spines); }
  LinkSpec link(LinkId id) const override { return id < first_uplink() ? shape_.node_link : shape_.uplink; }
  std::string link_name(LinkId id) const override {
    const bool up = id % 2 == 0;
    std::string low, high;
    if (id < first_uplink()) {
      low = fmt::format("n{}", id / 2);
      high = fmt::format("leaf{}", leaf(int(id / 2)));
    } else {
      const int pair = int((id - first_uplink()) / 2);
      low = fmt::format("leaf{}", pair / shape_.spines);
      high = fmt::format("spine{}", pair % shape_.spines);
    }
    return up ? fmt::format("{} -> {}", low, high) : fmt::format("{} -> {}", high, low);
  }
  unsigned longest_route() const override { return 4; }
  void route(int from, int to, std::uint64_t flow, std::vector<LinkId>& out) const override {
    out.clear();
    if (from == to) return;
    const LinkId up = 2 * LinkId(from), down = 2 * LinkId(to) + 1;
    if (leaf(from) == leaf(to)) {
      out = {up, down};
      return;
    }
    const std::uint64_t hash = splitmix64(splitmix64(std::uint64_t(from) << 32 | std::uint64_t(to)) ^ flow);
    const int spine = int(hash % std::uint64_t(shape_.spines));
    out = {up, uplink(leaf(from), spine), uplink(leaf(to), spine) + 1, down};
  }

 private:
  int leaf(int node) const { return node / shape_.nodes_per_leaf; }
  LinkId first_uplink() const { return 2 * LinkId(nodes_); }
  LinkId uplink(int of_leaf, int spine) const { return first_uplink() + 2 * LinkId(of_leaf * shape_.spines + spine); }

  int nodes_;
  Shape shape_;
};

}  // namespace

TopologyMaker leaf_spine(Reader& in) {
  in.about("two levels of switches; flows are spread over the spines by a hash, as ECMP does");
  Shape shape;
  const int nodes = read_nodes(in);
  shape.leaves = int(in.integer("leaves", {.minimum = 1, .maximum = 65536, .help = "switches that hold nodes"}));
  shape.nodes_per_leaf =
      int(in.integer("nodes_per_leaf", {.minimum = 1, .maximum = 65536, .help = "nodes on each leaf"}));
  shape.spines = int(in.integer("spines", {.minimum = 1, .maximum = 65536, .help = "switches that join the leaves"}));
  in.object(
      "node_link", "between a node and its leaf", [&](Reader& link) { shape.node_link = read_link(link); }, true);
  in.object(
      "uplink", "between a leaf and a spine", [&](Reader& link) { shape.uplink = read_link(link); }, true);
  const std::int64_t room = std::int64_t{shape.leaves} * shape.nodes_per_leaf;
  if (!in.describing() && room > 1 << 20)
    in.fail("leaves", fmt::format("{} x {} nodes are more than {}", shape.leaves, shape.nodes_per_leaf, 1 << 20));
  if (!in.describing() && nodes > room)
    in.fail("nodes", fmt::format("must be at most leaves * nodes_per_leaf = {}, not {}", room, nodes));
  return {nodes ? nodes : int(room), [shape](int count) { return std::make_unique<LeafSpine>(count, shape); }};
}

}  // namespace paceline::topologies
