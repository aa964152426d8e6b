// Graph: any vertices and links. A flow takes the route with the fewest links; of these, one with the least latency;
// unless its route is given.
#pragma once
#include <boost/graph/adjacency_list.hpp>
#include <map>

#include "topologies/topology_maker.hpp"

namespace paceline::topologies {

class Graph final : public Topology {
 public:
  struct Edge {
    int from, to;
    LinkSpec spec;
  };
  struct Shape {
    int nodes = 0;  // the first of the vertices
    std::vector<std::string> names;
    std::vector<Edge> links{};                                    // directed
    std::map<std::pair<int, int>, std::vector<LinkId>> routes{};  // that are given

    int add(std::string name);                    // a vertex
    void join(int a, int b, LinkSpec spec);       // both ways
    LinkId link_between(int from, int to) const;  // links.size(): there is none
  };

  explicit Graph(Shape shape);
  int nodes() const override { return shape_.nodes; }
  int vertices() const override { return int(shape_.names.size()); }
  std::string vertex_name(int vertex) const override { return shape_.names.at(std::size_t(vertex)); }
  std::uint32_t links() const override { return std::uint32_t(shape_.links.size()); }
  LinkSpec link(LinkId id) const override { return shape_.links.at(id).spec; }
  Ends ends(LinkId id) const override { return {shape_.links.at(id).from, shape_.links.at(id).to}; }
  unsigned longest_route() const override { return longest_; }
  unsigned longest_detour() const override { return std::min(unsigned(vertices()) - 1, 2 * longest_ + 2); }
  void route(int from, int to, std::uint64_t flow, std::vector<LinkId>& out) const override;

 private:
  using Weight = std::int64_t;
  using Net = boost::adjacency_list<
      boost::vecS, boost::vecS, boost::directedS, boost::no_property,
      boost::property<boost::edge_weight_t, Weight, boost::property<boost::edge_index_t, LinkId>>>;
  static constexpr LinkId none = ~LinkId{0};

  const std::vector<LinkId>& last_links(int from) const;
  unsigned farthest() const;

  Shape shape_;
  Net net_;
  unsigned longest_ = 0;
  mutable std::vector<std::vector<LinkId>> last_links_;  // by source
};

}  // namespace paceline::topologies
