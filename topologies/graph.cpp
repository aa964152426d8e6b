// graph: any nodes and links; see graph.hpp.
#include "topologies/graph.hpp"

#include <fmt/format.h>

#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>

namespace paceline::topologies {

int Graph::Shape::add(std::string name) {
  names.push_back(std::move(name));
  return int(names.size()) - 1;
}

void Graph::Shape::join(int a, int b, LinkSpec spec) {
  links.push_back({a, b, spec});
  links.push_back({b, a, spec});
}

LinkId Graph::Shape::link_between(int from, int to) const {
  const auto found =
      std::find_if(links.begin(), links.end(), [&](const Edge& edge) { return edge.from == from && edge.to == to; });
  return LinkId(found - links.begin());
}

Graph::Graph(Shape shape) : shape_(std::move(shape)), net_(shape_.names.size()), last_links_(shape_.names.size()) {
  constexpr Weight hop = Weight{1} << 44;  // 17 s of latency
  for (LinkId id = 0; id < shape_.links.size(); ++id) {
    const Edge& edge = shape_.links[id];
    const Weight cost = (edge.spec.latency + edge.spec.overhead).count();
    boost::add_edge(std::size_t(edge.from), std::size_t(edge.to), {hop + cost, {id}}, net_);
  }
  longest_ = farthest();
  for (const auto& [ends, route] : shape_.routes) longest_ = std::max(longest_, unsigned(route.size()));
}

// The links between the two nodes that are farthest apart; in a large graph a bound, over the way by node 0.
unsigned Graph::farthest() const {
  constexpr int large = 2048;
  const auto depth = [&](const auto& net, int from) {
    std::vector<unsigned> links(shape_.names.size());
    boost::breadth_first_search(
        net, std::size_t(from),
        boost::visitor(boost::make_bfs_visitor(boost::record_distances(links.data(), boost::on_tree_edge()))));
    return *std::max_element(links.begin(), links.begin() + nodes());
  };
  if (nodes() > large) {
    boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS> back(shape_.names.size());
    for (const Edge& edge : shape_.links) boost::add_edge(std::size_t(edge.to), std::size_t(edge.from), back);
    return depth(net_, 0) + depth(back, 0);
  }
  unsigned most = 0;
  for (int from = 0; from < nodes(); ++from) most = std::max(most, depth(net_, from));
  return most;
}

void Graph::route(int from, int to, std::uint64_t, std::vector<LinkId>& out) const {
  out.clear();
  if (const auto given = shape_.routes.find({from, to}); given != shape_.routes.end()) {
    out = given->second;
    return;
  }
  const std::vector<LinkId>& last = last_links(from);
  for (int at = to; at != from; at = shape_.links[out.back()].from) {
    if (last[std::size_t(at)] == none)
      throw std::invalid_argument(fmt::format("there is no path from {} to {}", vertex_name(from), vertex_name(to)));
    out.push_back(last[std::size_t(at)]);
  }
  std::reverse(out.begin(), out.end());
}

// The last link of the route to each vertex; found when a source is first asked for.
const std::vector<LinkId>& Graph::last_links(int from) const {
  std::vector<LinkId>& last = last_links_[std::size_t(from)];
  if (!last.empty()) return last;
  last.assign(shape_.names.size(), none);
  const auto relaxed = [&](auto edge, const Net& net) {
    last[boost::target(edge, net)] = boost::get(boost::edge_index, net, edge);
  };
  struct Visitor : boost::default_dijkstra_visitor {
    explicit Visitor(const decltype(relaxed)& on_relaxed) : call(&on_relaxed) {}
    void edge_relaxed(Net::edge_descriptor edge, const Net& net) const { (*call)(edge, net); }
    const std::remove_reference_t<decltype(relaxed)>* call;
  };
  boost::dijkstra_shortest_paths(net_, std::size_t(from), boost::visitor(Visitor(relaxed)));
  return last;
}

namespace {

// Finds vertices by their names in a document.
class Names {
 public:
  explicit Names(Graph::Shape& shape) : shape_(shape) {}
  void add(Reader& in, std::string_view key, const std::vector<std::string>& names) {
    for (const std::string& name : names)
      if (!index_.emplace(name, shape_.add(name)).second)
        in.fail(key, fmt::format("the name \"{}\" is there twice", name));
  }
  int find(Reader& in, std::string_view key, const std::string& name) const {
    const auto found = index_.find(name);
    if (found != index_.end()) return found->second;
    if (in.has(key)) in.fail(key, fmt::format("there is no node \"{}\"{}", name, did_you_mean(name, shape_.names)));
    return 0;
  }
  int read(Reader& in, std::string_view key) const { return find(in, key, in.text(key, {.help = "a node's name"})); }

 private:
  Graph::Shape& shape_;
  std::map<std::string, int> index_;
};

void read_links(Reader& in, Graph::Shape& shape, const Names& names) {
  std::map<std::pair<int, int>, bool> joined;
  in.objects("links", "full duplex unless \"duplex\" is false", [&](Reader& link) {
    const int from = names.read(link, "from"), to = names.read(link, "to");
    const LinkSpec spec = read_link(link);
    const bool duplex = link.boolean("duplex", true, "false: only from -> to");
    if (link.describing()) return;
    if (from == to) link.fail("to", "a link must join two nodes");
    if (std::exchange(joined[{from, to}], true) || (duplex && std::exchange(joined[{to, from}], true)))
      link.fail("to", "these two are joined already: add up the bandwidths");
    shape.links.push_back({from, to, spec});
    if (duplex) shape.links.push_back({to, from, spec});
  });
}

void read_routes(Reader& in, Graph::Shape& shape, const Names& names) {
  in.objects("routes", "in place of those with the fewest links, one direction each", [&](Reader& route) {
    const int from = names.read(route, "from"), to = names.read(route, "to");
    std::vector<int> way{from};
    for (const std::string& name : route.texts("via", "the names between, in order; left out: a direct link"))
      way.push_back(names.find(route, "via", name));
    way.push_back(to);
    if (route.describing()) return;
    if (from >= shape.nodes) route.fail("from", "routes lead from one node to another, not from a switch");
    if (to >= shape.nodes) route.fail("to", "routes lead from one node to another, not to a switch");
    std::vector<LinkId> links;
    for (std::size_t i = 0; i + 1 < way.size(); ++i) {
      links.push_back(shape.link_between(way[i], way[i + 1]));
      if (links.back() == shape.links.size())
        route.fail("via", fmt::format("there is no link from {} to {}", shape.names[std::size_t(way[i])],
                                      shape.names[std::size_t(way[i + 1])]));
    }
    for (auto link = links.begin(); link != links.end(); ++link)
      if (std::find(links.begin(), link, *link) != link) route.fail("via", "uses a link twice");
    shape.routes[{from, to}] = links;
  });
}

}  // namespace

TopologyMaker graph(Reader& in) {
  in.about("any nodes and links; the route with the fewest links, then the least latency");
  auto shape = std::make_shared<Graph::Shape>();
  Names names(*shape);
  names.add(in, "nodes",
            in.texts("nodes", "names; workers sit on them in this order unless `placement` says otherwise"));
  shape->nodes = int(shape->names.size());
  names.add(in, "switches", in.texts("switches", "names of what holds no workers; may stand among the nodes, too"));
  read_links(in, *shape, names);
  read_routes(in, *shape, names);
  if (!in.describing() && shape->nodes == 0) {
    in.finish();  // a misspelt key is the better message
    in.fail("nodes", "must name the nodes, as in [\"h0\", \"h1\", \"switch\"]");
  }
  return {shape->nodes, [shape](int) { return std::make_unique<Graph>(*shape); }};
}

}  // namespace paceline::topologies
