// ideal: no links; everything arrives at once and at no cost. For tests and for theory.
#include "topologies/topology_maker.hpp"

namespace paceline::topologies {
namespace {

class Ideal final : public Topology {
 public:
  explicit Ideal(int nodes) : nodes_(nodes) {}
  int nodes() const override { return nodes_; }
  std::uint32_t links() const override { return 0; }
  LinkSpec link(LinkId) const override { throw std::out_of_range("an ideal network has no links"); }
  Ends ends(LinkId) const override { throw std::out_of_range("an ideal network has no links"); }
  unsigned longest_route() const override { return 0; }
  void route(int, int, std::uint64_t, std::vector<LinkId>& out) const override { out.clear(); }

 private:
  int nodes_;
};

}  // namespace

TopologyMaker ideal(Reader& in) {
  in.about("everything arrives at once, at no cost: for tests and for theory");
  return {read_nodes(in), [](int nodes) { return std::make_unique<Ideal>(nodes); }};
}

}  // namespace paceline::topologies
