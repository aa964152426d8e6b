// star: every node on one switch by one full-duplex link; the switch itself is never short of bandwidth.
// Node i sends on link 2i and receives on link 2i + 1; a path has two links.
#include <fmt/format.h>

#include "topologies/topology_maker.hpp"

namespace paceline::topologies {
namespace {

class Star final : public Topology {
 public:
  Star(int nodes, LinkSpec spec) : nodes_(nodes), spec_(spec) {}
  int nodes() const override { return nodes_; }
  std::uint32_t links() const override { return 2 * std::uint32_t(nodes_); }
  LinkSpec link(LinkId) const override { return spec_; }
  std::string link_name(LinkId id) const override {
    return id % 2 == 0 ? fmt::format("n{} -> switch", id / 2) : fmt::format("switch -> n{}", id / 2);
  }
  unsigned longest_route() const override { return 2; }
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
