// Two levels of switches: every leaf holds some nodes and reaches every spine. Two nodes are two links apart under one
// leaf and four otherwise. Oversubscription = nodes_per_leaf * node bandwidth / (spines * uplink bandwidth). The spine
// of a flow is chosen by a hash of (from, to, flow), as ECMP does.
//
// Nodes fill one leaf after the other; with rails they are dealt to `rails` leaves in turn until these are full.
// Links, the first of each pair upwards: node n has 2n and 2n + 1, then follow those of leaf 0 to spine 0, 1, …
#pragma once
#include "topologies/topology_maker.hpp"

namespace paceline::topologies {

class LeafSpine final : public Topology {
 public:
  struct Shape {
    int leaves = 1, nodes_per_leaf = 1, spines = 1, rails = 1;
    LinkSpec node_link{}, uplink{};
  };

  LeafSpine(int nodes, const Shape& shape) : nodes_(nodes), shape_(shape) {}
  int nodes() const override { return nodes_; }
  int vertices() const override { return nodes_ + shape_.leaves + shape_.spines; }
  std::string vertex_name(int vertex) const override;
  std::uint32_t links() const override { return first_uplink() + 2 * LinkId(shape_.leaves) * LinkId(shape_.spines); }
  LinkSpec link(LinkId id) const override { return id < first_uplink() ? shape_.node_link : shape_.uplink; }
  Ends ends(LinkId id) const override;
  unsigned longest_route() const override;
  void route(int from, int to, std::uint64_t flow, std::vector<LinkId>& out) const override;

 private:
  int leaf(int node) const {
    return node / (shape_.rails * shape_.nodes_per_leaf) * shape_.rails + node % shape_.rails;
  }
  LinkId first_uplink() const { return 2 * LinkId(nodes_); }
  LinkId uplink(int of_leaf, int spine) const {
    return first_uplink() + 2 * (LinkId(of_leaf) * LinkId(shape_.spines) + LinkId(spine));
  }

  int nodes_;
  Shape shape_;
};

}  // namespace paceline::topologies
