// dragonfly: groups of routers that are all joined within a group, and groups that are all joined by global links (Kim,
// Dally, Scott, Abts, "Technology-driven, highly-scalable dragonfly topology", ISCA'08). Minimal routing: to the router
// that has a link to the group, over it, to the node's router: at most 5 links. Where several links lead to the group,
// a hash of (from, to, flow) chooses among the shortest ways.
//
// With g groups of a routers with h global links each, two groups share floor(a h / (g - 1)) links. Port q of a group
// (of its router q / h) leads to the group (q mod (g - 1)) + 1 further on.
// Links: two of each node, up and down; of each router to the others of its group; of each group's ports.
#include <fmt/format.h>

#include "topologies/topology_maker.hpp"

namespace paceline::topologies {
namespace {

class Dragonfly final : public Topology {
 public:
  struct Shape {
    int groups = 1, routers = 1, nodes_per_router = 1, ports = 1;  // ports: global links of a router
    LinkSpec node_link{}, local_link{}, global_link{};
  };

  Dragonfly(int nodes, const Shape& shape)
      : nodes_(nodes),
        shape_(shape),
        between_(shape.groups > 1 ? shape.routers * shape.ports / (shape.groups - 1) : 0) {}
  int nodes() const override { return nodes_; }
  int vertices() const override { return nodes_ + routers(); }
  std::string vertex_name(int vertex) const override {
    if (vertex < nodes_) return Topology::vertex_name(vertex);
    const int index = vertex - nodes_;
    return fmt::format("group{}.router{}", index / shape_.routers, index % shape_.routers);
  }
  std::uint32_t links() const override { return first_global() + LinkId(shape_.groups) * group_ports(); }
  LinkSpec link(LinkId id) const override {
    return id < first_local() ? shape_.node_link : id < first_global() ? shape_.local_link : shape_.global_link;
  }
  Ends ends(LinkId id) const override {
    if (id < first_local()) {
      const int node = int(id / 2), at = nodes_ + router(node);
      return id % 2 == 0 ? Ends{node, at} : Ends{at, node};
    }
    if (id < first_global()) {
      const int others = shape_.routers - 1, from = int(id - first_local()) / others,
                to = int(id - first_local()) % others, own = from % shape_.routers;
      return {nodes_ + from, nodes_ + from - own + (to < own ? to : to + 1)};
    }
    const int of = int((id - first_global()) / group_ports()), port = int((id - first_global()) % group_ports());
    const int far = (of + port % (shape_.groups - 1) + 1) % shape_.groups;
    return {nodes_ + of * shape_.routers + port / shape_.ports,
            nodes_ + far * shape_.routers + port_to(far, of, port / (shape_.groups - 1)) / shape_.ports};
  }
  unsigned longest_route() const override {
    const int last = router(nodes_ - 1);
    const unsigned local = shape_.routers > 1 ? 1 : 0;
    return group(last) > 0 ? 3 + 2 * local : last > 0 ? 3 : nodes_ > 1 ? 2 : 0;
  }
  void route(int from, int to, std::uint64_t flow, std::vector<LinkId>& out) const override {
    out.clear();
    if (from == to) return;
    const int a = router(from), b = router(to);
    out.push_back(2 * LinkId(from));
    if (group(a) == group(b)) {
      add_local(a, b, out);
    } else {
      const int port = port_to(group(a), group(b), way(a, b, route_hash(from, to, flow)));
      const LinkId global = first_global() + LinkId(group(a)) * group_ports() + LinkId(port);
      const Ends at = ends(global);
      add_local(a, at.from - nodes_, out);
      out.push_back(global);
      add_local(at.to - nodes_, b, out);
    }
    out.push_back(2 * LinkId(to) + 1);
  }

 private:
  int routers() const { return shape_.groups * shape_.routers; }
  int router(int node) const { return node / shape_.nodes_per_router; }
  int group(int of_router) const { return of_router / shape_.routers; }
  LinkId group_ports() const { return LinkId(between_) * LinkId(shape_.groups - 1); }
  LinkId first_local() const { return 2 * LinkId(nodes_); }
  LinkId first_global() const { return first_local() + LinkId(routers()) * LinkId(shape_.routers - 1); }

  // The port of the n-th link from a group to another.
  int port_to(int from, int to, int n) const {
    return n * (shape_.groups - 1) + (to - from - 1 + shape_.groups) % shape_.groups;
  }
  // Which of the links between two routers' groups: of those with the fewest further links, the hash chooses.
  int way(int a, int b, std::uint64_t hash) const {
    const auto cost = [&](int n) {
      const int near = port_to(group(a), group(b), n) / shape_.ports,
                far = port_to(group(b), group(a), n) / shape_.ports;
      return int(near != a % shape_.routers) + int(far != b % shape_.routers);
    };
    int least = 2, ways = 0, chosen = 0;
    for (int n = 0; n < between_; ++n) {
      if (cost(n) < least) least = cost(n), ways = 0;
      if (cost(n) == least) ++ways;
    }
    int left = int(hash % std::uint64_t(ways));
    for (int n = 0; n < between_; ++n)
      if (cost(n) == least && left-- == 0) chosen = n;
    return chosen;
  }
  void add_local(int a, int b, std::vector<LinkId>& out) const {
    if (a == b) return;
    const int own = a % shape_.routers, other = b % shape_.routers;
    out.push_back(first_local() + LinkId(a) * LinkId(shape_.routers - 1) + LinkId(other < own ? other : other - 1));
  }

  int nodes_;
  Shape shape_;
  int between_;  // links from one group to another
};

}  // namespace

TopologyMaker dragonfly(Reader& in) {
  in.about("groups of routers, all joined within a group; groups all joined by global links; minimal routing");
  Dragonfly::Shape shape;
  shape.groups = int(in.integer("groups", {.minimum = 1, .maximum = 65536, .help = "of routers"}));
  shape.routers =
      int(in.integer("routers_per_group", {.minimum = 1, .maximum = 4096, .help = "all joined to each other"}));
  shape.nodes_per_router =
      int(in.integer("nodes_per_router", {.minimum = 1, .maximum = 65536, .help = "nodes on each router"}));
  shape.ports = int(in.integer("global_links",
                               {.minimum = 1, .maximum = 4096, .help = "of each router, to routers of other groups"}));
  shape.node_link = read_link(in, "node_link", "between a node and its router");
  shape.local_link = read_link(in, "local_link", "between two routers of a group");
  shape.global_link = read_link(in, "global_link", "between two groups");
  const int reach = shape.routers * shape.ports + 1;
  if (!in.describing() && shape.groups > reach)
    in.fail("groups", fmt::format("must be at most routers_per_group * global_links + 1 = {}, so that all are joined, "
                                  "not {}",
                                  reach, shape.groups));
  const int nodes = read_nodes(in, std::int64_t{shape.groups} * shape.routers * shape.nodes_per_router,
                               "groups * routers_per_group * nodes_per_router");
  return {nodes, [shape](int count) { return std::make_unique<Dragonfly>(count, shape); }};
}

}  // namespace paceline::topologies
