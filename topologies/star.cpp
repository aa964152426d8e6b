// star: every node on one switch by one full-duplex link; the switch itself is never short of bandwidth.
// Node i sends on link 2i and receives on link 2i + 1; a path has two links.
#include "topologies/topology_maker.hpp"

namespace paceline::topologies {
namespace {

class Star final : public Topology {
 public:
  Star(int nodes, LinkSpec spec) : nodes_(nodes), spec_(spec) {}
  int nodes() const override { return nodes_; }
  int vertices() const override { return nodes_ + 1; }
  std::string vertex_name(int vertex) const override {
    return vertex < nodes_ ? Topology::vertex_name(vertex) : "switch";
  }
  std::uint32_t links() const override { return 2 * std::uint32_t(nodes_); }
  LinkSpec link(LinkId) const override { return spec_; }
  Ends ends(LinkId id) const override {
    const int node = int(id / 2);
    return id % 2 == 0 ? Ends{node, nodes_} : Ends{nodes_, node};
  }
  unsigned longest_route() const override { return nodes_ > 1 ? 2 : 0; }
  void route(int from, int to, std::uint64_t, std::vector<LinkId>& out) const override {
    out.clear();
    if (from != to) out = {2 * LinkId(from), 2 * LinkId(to) + 1};
  }

 private:
  int nodes_;
  LinkSpec spec_;
};

}  // namespace

TopologyMaker star(Reader& in) {
  in.about("every node on one switch by one full-duplex link; a path has two links");
  const int nodes = read_nodes(in);
  const LinkSpec spec = read_link(in);
  return {nodes, [spec](int count) { return std::make_unique<Star>(count, spec); }};
}

}  // namespace paceline::topologies
