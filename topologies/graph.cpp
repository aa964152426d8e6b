// graph: any nodes and links. A flow takes the route with the fewest links; of these, one with the least latency.
#include <fmt/format.h>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <boost/graph/filtered_graph.hpp>
#include <map>

#include "topologies/topology_maker.hpp"

namespace paceline::topologies {
namespace {

struct Edge {
  int from, to;
  LinkSpec spec;
};
struct Shape {
  std::vector<std::string> names;
  std::vector<Edge> links;  // directed
};

using Weight = std::int64_t;
using Net =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property,
                          boost::property<boost::edge_weight_t, Weight, boost::property<boost::edge_index_t, LinkId>>>;

class Graph final : public Topology {
 public:
  explicit Graph(const Shape& shape) : shape_(shape), net_(shape.names.size()), last_links_(shape.names.size()) {
    constexpr Weight hop = Weight{1} << 44;  // 17 s of latency
    for (LinkId id = 0; id < shape_.links.size(); ++id) {
      const Edge& edge = shape_.links[id];
      boost::add_edge(std::size_t(edge.from), std::size_t(edge.to), {hop + edge.spec.latency.count(), {id}}, net_);
    }
  }
  int nodes() const override { return int(shape_.names.size()); }
  std::uint32_t links() const override { return std::uint32_t(shape_.links.size()); }
  LinkSpec link(LinkId id) const override { return shape_.links.at(id).spec; }
  std::string link_name(LinkId id) const override {
    const Edge& edge = shape_.links.at(id);
    return fmt::format("{} -> {}", shape_.names[std::size_t(edge.from)], shape_.names[std::size_t(edge.to)]);
  }
  unsigned longest_route() const override { return unsigned(std::max<std::size_t>(shape_.names.size(), 2) - 1); }
  void route(int from, int to, std::uint64_t, std::vector<LinkId>& out) const override {
    std::vector<LinkId>& last = last_links_[std::size_t(from)];  // found when a source is first asked for
    if (last.empty()) last = last_links(net_, from);
    if (!trace(from, to, last, out))
      throw std::invalid_argument(fmt::format("there is no path from {} to {}", shape_.names[std::size_t(from)],
                                              shape_.names[std::size_t(to)]));
  }
  // The best route of the graph without the links that are not usable.
  bool detour(int from, int to, const std::function<bool(LinkId)>& usable, std::vector<LinkId>& out) const override {
    const auto kept = [&](Net::edge_descriptor edge) { return usable(boost::get(boost::edge_index, net_, edge)); };
    const boost::filtered_graph net(net_, std::function<bool(Net::edge_descriptor)>(kept));
    return trace(from, to, last_links(net, from), out);
  }

 private:
  static constexpr LinkId none = ~LinkId{0};

  // The last link of the route from a node to each.
  template <class AnyNet>
  std::vector<LinkId> last_links(const AnyNet& graph, int from) const {
    std::vector<LinkId> last(shape_.names.size(), none);
    const auto relaxed = [&](auto edge, const AnyNet& net) {
      last[boost::target(edge, net)] = boost::get(boost::edge_index, net_, edge);
    };
    struct Visitor : boost::default_dijkstra_visitor {
      explicit Visitor(const decltype(relaxed)& on_relaxed) : call(&on_relaxed) {}
      void edge_relaxed(typename AnyNet::edge_descriptor edge, const AnyNet& net) const { (*call)(edge, net); }
      const std::remove_reference_t<decltype(relaxed)>* call;
    };
    boost::dijkstra_shortest_paths(graph, std::size_t(from), boost::visitor(Visitor(relaxed)));
    return last;
  }
  // The route backwards, by the last links. False, and `out` empty: there is none.
  bool trace(int from, int to, const std::vector<LinkId>& last, std::vector<LinkId>& out) const {
    out.clear();
    for (int at = to; at != from; at = shape_.links[out.back()].from) {
      if (last[std::size_t(at)] == none) {
        out.clear();
        return false;
      }
      out.push_back(last[std::size_t(at)]);
    }
    std::reverse(out.begin(), out.end());
    return true;
  }

  Shape shape_;
  Net net_;
  mutable std::vector<std::vector<LinkId>> last_links_;  // by source
};

}  // namespace

TopologyMaker graph(Reader& in) {
  in.about("any nodes and links; the route with the fewest links, then the least latency");
  auto shape = std::make_shared<Shape>();
  shape->names = in.texts(
      "nodes", "names, hosts and switches; workers sit on them in this order unless `placement` says otherwise");
  std::map<std::string, int> index;
  for (const std::string& name : shape->names)
    if (!index.emplace(name, int(index.size())).second)
      in.fail("nodes", fmt::format("the name \"{}\" is there twice", name));
  in.objects("links", "full duplex unless \"duplex\" is false", [&](Reader& link) {
    const auto end = [&](std::string_view key) {
      const std::string name = link.text(key, {.help = "a node's name"});
      const auto found = index.find(name);
      if (link.has(key) && found == index.end())
        link.fail(key, fmt::format("there is no node \"{}\"{}", name, did_you_mean(name, shape->names)));
      return found == index.end() ? 0 : found->second;
    };
    const int from = end("from"), to = end("to");
    const LinkSpec spec = read_link(link);
    const bool duplex = link.boolean("duplex", true, "false: only from -> to");
    if (!link.describing() && from == to) link.fail("to", "a link must join two nodes");
    shape->links.push_back({from, to, spec});
    if (duplex) shape->links.push_back({to, from, spec});
  });
  if (!in.describing() && index.empty()) {
    in.finish();  // a misspelt key is the better message
    in.fail("nodes", "must name the nodes, as in [\"h0\", \"h1\", \"switch\"]");
  }
  return {int(shape->names.size()), [shape](int) { return std::make_unique<Graph>(*shape); }};
}

}  // namespace paceline::topologies
