// Nodes on a grid of any number of dimensions, each joined to its two neighbours in each, the last to the first.
// A route goes dimension by dimension, the shorter way round (Dally, Towles, "Principles and practices of
// interconnection networks", 2004, ch. 5 and 8); where both ways are as long, a hash of (from, to, flow) chooses. Node
// x0 + s0 (x1 + s1 (x2 + …)) is at (x0, x1, x2, …), s being the sides. A node's own links: per dimension one to the
// next node and one to the one before; one alone where a side is 2, none where it is 1.
#pragma once
#include "topologies/topology_maker.hpp"

namespace paceline::topologies {

class Torus final : public Topology {
 public:
  Torus(int nodes, std::vector<int> sides, LinkSpec spec);
  int nodes() const override { return nodes_; }
  int vertices() const override { return all_; }
  std::uint32_t links() const override { return LinkId(all_) * per_node_; }
  LinkSpec link(LinkId) const override { return spec_; }
  Ends ends(LinkId id) const override;
  unsigned longest_route() const override;
  // A ring has its other way round.
  unsigned longest_detour() const override { return sides().size() == 1 ? unsigned(nodes()) : longest_route() + 2; }
  void route(int from, int to, std::uint64_t flow, std::vector<LinkId>& out) const override;
  std::vector<int> sides() const override { return sides_; }

 private:
  int nodes_, all_ = 1;  // all_: the places on the grid; those without a node pass bytes on
  std::vector<int> sides_;
  LinkSpec spec_;
  LinkId per_node_ = 0;
};

}  // namespace paceline::topologies
