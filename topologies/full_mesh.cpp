// full_mesh: a link from every node to every other; every route is one link. n nodes have n (n - 1) links, so it is for
// small numbers.
#include <fmt/format.h>

#include "topologies/topology_maker.hpp"

namespace paceline::topologies {
namespace {

constexpr int most = 4096;

class FullMesh final : public Topology {
 public:
  FullMesh(int nodes, LinkSpec spec) : nodes_(nodes), spec_(spec) {}
  int nodes() const override { return nodes_; }
  std::uint32_t links() const override { return LinkId(nodes_) * LinkId(nodes_ - 1); }
  LinkSpec link(LinkId) const override { return spec_; }
  Ends ends(LinkId id) const override {
    const int from = int(id) / (nodes_ - 1), to = int(id) % (nodes_ - 1);
    return {from, to < from ? to : to + 1};
  }
  unsigned longest_route() const override { return nodes_ > 1 ? 1 : 0; }
  void route(int from, int to, std::uint64_t, std::vector<LinkId>& out) const override {
    out.clear();
    if (from != to) out.push_back(LinkId(from * (nodes_ - 1) + (to < from ? to : to - 1)));
  }
  std::vector<int> sides() const override { return {nodes_}; }

 private:
  int nodes_;
  LinkSpec spec_;
};

}  // namespace

TopologyMaker full_mesh(Reader& in) {
  in.about("a link from every node to every other");
  const int nodes = read_nodes(in);
  if (nodes > most) in.fail("nodes", fmt::format("must be at most {} in a full mesh, not {}", most, nodes));
  const LinkSpec spec = read_link(in);
  return {nodes, [spec](int count) {
            if (count > most)
              throw ConfigError({}, "/cluster/topology", fmt::format("a full mesh has at most {} nodes", most));
            return std::make_unique<FullMesh>(count, spec);
          }};
}

}  // namespace paceline::topologies
