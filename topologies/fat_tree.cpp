// fat_tree: three levels of switches with k ports: k pods of k/2 edge and k/2 aggregation switches, (k/2)^2 cores,
// k^3/4 nodes (Al-Fares, Loukissas, Vahdat, "A scalable, commodity data center network architecture", SIGCOMM'08).
// Two nodes are 2 links apart under one edge switch, 4 in one pod, 6 otherwise; a hash of (from, to, flow) chooses the
// aggregation switch and the core, as ECMP does. With equal links it is not oversubscribed; `uplink` and `core_link`
// make it so.
//
// Links, the first of each pair upwards: node n has 2n and 2n + 1, then come edge to aggregation, aggregation to core.
#include <fmt/format.h>

#include "topologies/topology_maker.hpp"

namespace paceline::topologies {
namespace {

class FatTree final : public Topology {
 public:
  struct Shape {
    int k = 2;
    LinkSpec node_link{}, uplink{}, core_link{};
  };

  FatTree(int nodes, const Shape& shape) : nodes_(nodes), half_(shape.k / 2), shape_(shape) {}
  int nodes() const override { return nodes_; }
  int vertices() const override { return first_core() + half_ * half_; }
  std::string vertex_name(int vertex) const override {
    if (vertex < first_edge()) return Topology::vertex_name(vertex);
    if (vertex >= first_core()) return fmt::format("core{}", vertex - first_core());
    const bool edge = vertex < first_aggregation();
    const int index = vertex - (edge ? first_edge() : first_aggregation());
    return fmt::format("pod{}.{}{}", index / half_, edge ? "edge" : "agg", index % half_);
  }
  std::uint32_t links() const override { return first_core_link() + LinkId(2 * switches() * half_); }
  LinkSpec link(LinkId id) const override {
    return id < first_uplink() ? shape_.node_link : id < first_core_link() ? shape_.uplink : shape_.core_link;
  }
  Ends ends(LinkId id) const override {
    Ends at{int(id / 2), 0};
    if (id < first_uplink()) {
      at.to = first_edge() + edge(at.from);
    } else if (id < first_core_link()) {
      const int pair = int((id - first_uplink()) / 2), from = pair / half_;
      at = {first_edge() + from, first_aggregation() + pod(from) * half_ + pair % half_};
    } else {
      const int pair = int((id - first_core_link()) / 2), from = pair / half_;
      at = {first_aggregation() + from, first_core() + from % half_ * half_ + pair % half_};
    }
    return id % 2 == 0 ? at : Ends{at.to, at.from};
  }
  unsigned longest_route() const override {
    const int last = edge(nodes_ - 1);
    return pod(last) > 0 ? 6 : last > 0 ? 4 : nodes_ > 1 ? 2 : 0;
  }
  void route(int from, int to, std::uint64_t flow, std::vector<LinkId>& out) const override {
    out.clear();
    if (from == to) return;
    const std::uint64_t hash = route_hash(from, to, flow), ways = std::uint64_t(half_);
    const int a = edge(from), b = edge(to), aggregation = int(hash % ways), core = int(hash / ways % ways);
    out.push_back(2 * LinkId(from));
    if (a != b) out.push_back(uplink(a, aggregation));
    if (pod(a) != pod(b)) {
      out.push_back(core_link(pod(a), aggregation, core));
      out.push_back(core_link(pod(b), aggregation, core) + 1);
    }
    if (a != b) out.push_back(uplink(b, aggregation) + 1);
    out.push_back(2 * LinkId(to) + 1);
  }

 private:
  int edge(int node) const { return node / half_; }
  int pod(int of_edge) const { return of_edge / half_; }
  int switches() const { return shape_.k * half_; }  // of a level, edge or aggregation
  int first_edge() const { return nodes_; }
  int first_aggregation() const { return nodes_ + switches(); }
  int first_core() const { return nodes_ + 2 * switches(); }
  LinkId first_uplink() const { return 2 * LinkId(nodes_); }
  LinkId first_core_link() const { return first_uplink() + LinkId(2 * switches() * half_); }
  LinkId uplink(int of_edge, int aggregation) const {
    return first_uplink() + 2 * LinkId(of_edge * half_ + aggregation);
  }
  LinkId core_link(int of_pod, int aggregation, int core) const {
    return first_core_link() + 2 * LinkId((of_pod * half_ + aggregation) * half_ + core);
  }

  int nodes_, half_;
  Shape shape_;
};

}  // namespace

TopologyMaker fat_tree(Reader& in) {
  in.about("three levels of switches with k ports, k^3/4 nodes; flows are spread by a hash, as ECMP does");
  FatTree::Shape shape;
  shape.k = int(in.integer("k", {.minimum = 2, .maximum = 160, .help = "ports of a switch, an even number"}));
  if (shape.k % 2) in.fail("k", fmt::format("must be even, not {}", shape.k));
  const int nodes = read_nodes(in, std::int64_t{shape.k} * shape.k * shape.k / 4, "k^3 / 4");
  shape.node_link = read_link(in);
  shape.uplink =
      read_optional_link(in, "uplink", "between edge and aggregation, if it differs").value_or(shape.node_link);
  shape.core_link =
      read_optional_link(in, "core_link", "between aggregation and core, if it differs").value_or(shape.uplink);
  return {nodes, [shape](int count) { return std::make_unique<FatTree>(count, shape); }};
}

}  // namespace paceline::topologies
