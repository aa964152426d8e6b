// What every topology promises, for all shapes, all fabrics and the clusters that come with the program: routes lead
// from node to node without a gap, are no longer than they say, and spread flows over what is equally short.
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "tests/support/run.hpp"
#include "tests/support/shapes.hpp"
#include "topologies/fabrics/fabric.hpp"

namespace paceline::test {
namespace {

std::vector<LinkId> route_of(const Topology& topology, int from, int to, std::uint64_t flow = 0) {
  std::vector<LinkId> route{99};  // is cleared
  topology.route(from, to, flow, route);
  return route;
}

// A vertex and the card that it reaches at no cost are one place.
bool same_place(const Topology& topology, int node, int vertex) {
  return vertex == node || vertex == topology.port(node);
}

TEST(Topologies, EveryKindAndEveryFabricIsTestedHere) {
  for (const std::string& kind : topologies::all().kinds()) EXPECT_TRUE(shapes().contains(kind)) << kind;
  for (const std::string& kind : fabrics::all().kinds()) EXPECT_TRUE(hosted_shapes().contains(kind)) << kind;
  EXPECT_GE(cluster_files().size(), 10u);
  const std::string readme = read_text(path_of("topologies/README.md"));
  for (const Kinds* kinds : std::initializer_list<const Kinds*>{&topologies::all(), &fabrics::all()})
    for (const std::string& kind : kinds->kinds())
      EXPECT_NE(readme.find("| `" + kind + "` |"), std::string::npos) << kind << " is not in topologies/README.md";
  for (const std::string& file : cluster_files())
    EXPECT_NE(readme.find("`" + file.substr(std::string("topologies/").size()) + "`"), std::string::npos) << file;
}

TEST(Topologies, ConnectAllTheirNodesByContiguousRoutes) {
  for (const Built& built : all_topologies()) {
    SCOPED_TRACE(built.name);
    const Topology& topology = *built.topology;
    unsigned longest = 0;
    for (int from = 0; from < topology.nodes(); ++from)
      for (int to = 0; to < topology.nodes(); ++to)
        for (std::uint64_t flow : {0u, 1u, 17u}) {
          const std::vector<LinkId> route = route_of(topology, from, to, flow);
          SCOPED_TRACE(fmt::format("{} to {}, flow {}", from, to, flow));
          longest = std::max(longest, unsigned(route.size()));
          if (from == to || topology.links() == 0) {
            ASSERT_TRUE(route.empty());
            continue;
          }
          ASSERT_FALSE(route.empty());
          ASSERT_EQ(std::set<LinkId>(route.begin(), route.end()).size(), route.size()) << "a link twice";
          for (const LinkId link : route) ASSERT_LT(link, topology.links());
          for (std::size_t i = 0; i + 1 < route.size(); ++i)
            ASSERT_EQ(topology.ends(route[i]).to, topology.ends(route[i + 1]).from);
          ASSERT_TRUE(same_place(topology, from, topology.ends(route.front()).from));
          ASSERT_TRUE(same_place(topology, to, topology.ends(route.back()).to));
        }
    EXPECT_LE(longest, topology.longest_route());
    if (built.name.find("dragonfly") == built.name.npos) {  // where many links join two groups, one may always be near
      EXPECT_EQ(longest, topology.longest_route());
    }
  }
}

TEST(Topologies, HaveOneNameForEachVertexAndAtMostOneLinkFromOneToAnother) {
  for (const Built& built : all_topologies()) {
    SCOPED_TRACE(built.name);
    const Topology& topology = *built.topology;
    std::set<std::string> names;
    for (int vertex = 0; vertex < topology.vertices(); ++vertex)
      EXPECT_TRUE(names.insert(topology.vertex_name(vertex)).second) << topology.vertex_name(vertex);
    std::set<std::pair<int, int>> joined;
    for (LinkId id = 0; id < topology.links(); ++id) {
      const Ends at = topology.ends(id);
      EXPECT_NE(at.from, at.to);
      EXPECT_TRUE(at.from >= 0 && at.from < topology.vertices() && at.to >= 0 && at.to < topology.vertices());
      EXPECT_TRUE(joined.emplace(at.from, at.to).second) << topology.link_name(id);
      EXPECT_GT(topology.link(id).bandwidth, 0);
    }
  }
}

TEST(Topologies, NumberHostsInTheOrderOfTheirNodesAndLeaveThemOnlyByTheirCards) {
  for (const Built& built : all_topologies()) {
    SCOPED_TRACE(built.name);
    const Topology& topology = *built.topology;
    int last = 0;
    for (int node = 0; node < topology.nodes(); ++node) {
      EXPECT_TRUE(topology.host(node) == last || topology.host(node) == last + 1) << node;
      last = topology.host(node);
      EXPECT_EQ(topology.host(topology.port(node)), last);
    }
    EXPECT_EQ(topology.host(0), 0);
    EXPECT_EQ(topology.hosts(), last + 1);
    for (int from = 0; from < topology.nodes(); ++from)
      for (int to = 0; to < topology.nodes(); ++to)
        if (topology.host(from) == topology.host(to))
          for (const LinkId link : route_of(topology, from, to)) {
            EXPECT_EQ(topology.host(topology.ends(link).from), topology.host(from));
            EXPECT_EQ(topology.host(topology.ends(link).to), topology.host(from));
          }
  }
}

// Links from a node to all vertices, by breadth first over the links alone.
std::vector<unsigned> fewest_links(const Topology& topology, int from) {
  std::vector<unsigned> links(std::size_t(topology.vertices()), ~0u);
  std::deque<int> reached{from};
  links[std::size_t(from)] = 0;
  while (!reached.empty()) {
    const int at = reached.front();
    reached.pop_front();
    for (LinkId id = 0; id < topology.links(); ++id) {
      const Ends ends = topology.ends(id);
      if (ends.from != at || links[std::size_t(ends.to)] != ~0u) continue;
      links[std::size_t(ends.to)] = links[std::size_t(at)] + 1;
      reached.push_back(ends.to);
    }
  }
  return links;
}

TEST(Topologies, TakeTheFewestLinks) {
  for (const auto& [kind, texts] : shapes()) {
    if (kind == "ideal") continue;
    for (const std::string& text : texts) {
      const auto topology = build(text);
      SCOPED_TRACE(text);
      for (int from = 0; from < topology->nodes(); ++from) {
        const std::vector<unsigned> fewest = fewest_links(*topology, from);
        for (int to = 0; to < topology->nodes(); ++to) {
          const auto links = unsigned(route_of(*topology, from, to).size());
          if (kind == "dragonfly") EXPECT_GE(links, fewest[std::size_t(to)]);  // over two groups it may be nearer
          else EXPECT_EQ(links, fewest[std::size_t(to)]) << from << " to " << to;
        }
      }
    }
  }
}

TEST(Dragonfly, CrossesOneGlobalLinkBetweenGroupsAndNoneWithinOne) {
  const auto topology = build(shapes().at("dragonfly")[0]);  // 5 groups of 2 routers with 2 nodes
  const int nodes = topology->nodes();
  const auto group = [&](int vertex) { return vertex < nodes ? vertex / 4 : (vertex - nodes) / 2; };
  for (int from = 0; from < nodes; ++from)
    for (int to = 0; to < nodes; ++to) {
      int global = 0;
      for (const LinkId link : route_of(*topology, from, to))
        if (group(topology->ends(link).from) != group(topology->ends(link).to)) ++global;
      EXPECT_EQ(global, group(from) == group(to) ? 0 : 1);
    }
}

// The different routes that flows take.
std::size_t ways(const Topology& topology, int from, int to) {
  std::set<std::vector<LinkId>> found;
  std::set<std::size_t> lengths;
  for (std::uint64_t flow = 0; flow < 256; ++flow) {
    found.insert(route_of(topology, from, to, flow));
    lengths.insert(found.begin()->size());
  }
  EXPECT_EQ(lengths.size(), 1u) << "not all as long";
  return found.size();
}

TEST(Topologies, SpreadFlowsOverAllRoutesOfEqualLength) {
  const auto leaf_spine = build(shapes().at("leaf_spine")[3]);  // 4 spines
  EXPECT_EQ(ways(*leaf_spine, 0, 1), 1u);
  EXPECT_EQ(ways(*leaf_spine, 0, 15), 4u);
  const auto fat_tree = build(shapes().at("fat_tree")[0]);  // k = 4
  EXPECT_EQ(ways(*fat_tree, 0, 1), 1u);
  EXPECT_EQ(ways(*fat_tree, 0, 2), 2u);
  EXPECT_EQ(ways(*fat_tree, 0, 15), 4u);
  const auto torus = build(shapes().at("torus")[0]);  // 4 x 3 x 2
  EXPECT_EQ(ways(*torus, 0, 1), 1u);
  EXPECT_EQ(ways(*torus, 0, 2), 2u);
  EXPECT_EQ(ways(*torus, 0, 12), 1u);
  const auto rails = build(shapes().at("rail_optimized")[0]);  // 2 spines
  EXPECT_EQ(ways(*rails, 0, 4), 1u);
  EXPECT_EQ(ways(*rails, 0, 1), 2u);
  const auto dragonfly =
      build(shapes().at("dragonfly")[1]);  // 3 groups of 4 routers with 2: 4 links between two groups
  for (int to = 4; to < 12; ++to) EXPECT_GE(ways(*dragonfly, 0, to), 1u);
}

TEST(Graph, TakesTheRouteThatIsGiven) {
  const auto topology = build(R"({"kind": "graph", "nodes": ["a", "b"], "switches": ["s", "t"],
    "links": [{"from": "a", "to": "s", "bandwidth": "1Gbps", "latency": "1us"},
              {"from": "s", "to": "t", "bandwidth": "10Gbps", "latency": "1us", "overhead": "3us", "efficiency": 0.9},
              {"from": "s", "to": "b", "bandwidth": "1Gbps", "latency": "1us"},
              {"from": "t", "to": "b", "bandwidth": "1Gbps", "latency": "1us"}],
    "routes": [{"from": "a", "to": "b", "via": ["s", "t"]}]})");
  const auto names = [&](int from, int to) {
    std::string text;
    for (const LinkId link : route_of(*topology, from, to)) text += topology->link_name(link) + "; ";
    return text;
  };
  EXPECT_EQ(names(0, 1), "a -> s; s -> t; t -> b; ");
  EXPECT_EQ(names(1, 0), "b -> s; s -> a; ");
  EXPECT_EQ(topology->longest_route(), 3u);
  const LinkSpec link = topology->link(route_of(*topology, 0, 1)[1]);
  EXPECT_EQ(link.efficiency, 0.9);
  EXPECT_EQ(link.overhead, std::chrono::microseconds(3));
}

TEST(Hosted, AnAcceleratorUsesItsOwnCard) {
  const auto topology = build(hosted_shapes().at("nvswitch")[1]);  // 4 accelerators, one card, free
  EXPECT_EQ(topology->vertex_name(topology->port(5)), "h1.nic0");
  EXPECT_EQ(topology->link_name(route_of(*topology, 0, 5).front()), "h0.nic0 -> switch");
  EXPECT_EQ(topology->link_name(route_of(*topology, 4, 5).front()), "h1.gpu0 -> h1.nvswitch");
  const auto linked = build(hosted_shapes().at("nvswitch")[2]);  // 6 accelerators, 4 cards: 0 0 1 2 2 3
  for (const auto& [gpu, nic] : std::map<int, int>{{0, 0}, {1, 0}, {2, 1}, {3, 2}, {4, 2}, {5, 3}})
    EXPECT_EQ(linked->link_name(route_of(*linked, gpu, 6).front()), fmt::format("h0.gpu{} -> h0.nic{}", gpu, nic));
  const auto several = build(hosted_shapes().at("nvswitch")[3]);  // 2 accelerators, 4 cards
  EXPECT_EQ(ways(*several, 0, 3), 4u);
  const auto pcie = build(hosted_shapes().at("pcie")[0]);
  EXPECT_EQ(route_of(*pcie, 0, 4).size(), 6u);
  EXPECT_EQ(route_of(*pcie, 0, 3).size(), 5u);
}

// The first link of a route that is not within one host's walls taken away: there is another way, or truly none.
TEST(Topologies, GoAroundALinkThatIsDownWhereThereIsAWay) {
  const auto detour = [](const std::string& text, int from, int to, std::size_t down) {
    const auto topology = build(text);
    const LinkId broken = route_of(*topology, from, to).at(down);
    std::vector<LinkId> route{7};
    const bool found = topology->detour(
        from, to, [&](LinkId link) { return link != broken; }, route);
    EXPECT_EQ(found, !route.empty());
    EXPECT_EQ(std::count(route.begin(), route.end(), broken), 0);
    for (std::size_t i = 0; i + 1 < route.size(); ++i)
      EXPECT_EQ(topology->ends(route[i]).to, topology->ends(route[i + 1]).from);
    if (found) {
      EXPECT_TRUE(same_place(*topology, from, topology->ends(route.front()).from));
      EXPECT_TRUE(same_place(*topology, to, topology->ends(route.back()).to));
      EXPECT_LE(route.size(), topology->longest_detour());
    }
    return route.size();
  };
  EXPECT_EQ(detour(shapes().at("star")[0], 0, 1, 0), 0u);
  EXPECT_EQ(detour(shapes().at("leaf_spine")[3], 0, 15, 1), 4u);
  EXPECT_EQ(detour(shapes().at("leaf_spine")[3], 0, 1, 1), 0u);
  EXPECT_EQ(detour(shapes().at("fat_tree")[0], 0, 15, 2), 6u);
  EXPECT_EQ(detour(shapes().at("torus")[0], 0, 1, 0), 3u);  // around by the next row
  EXPECT_EQ(detour(shapes().at("ring")[0], 0, 3, 0), 4u);   // the other way round
  EXPECT_EQ(detour(shapes().at("dragonfly")[0], 0, 2, 1), 5u);
  EXPECT_EQ(detour(shapes().at("graph")[0], 1, 2, 0), 0u);
  EXPECT_EQ(detour(hosted_shapes().at("nvlink_ring")[0], 0, 2, 1), 2u);  // by their cards and the network
  EXPECT_EQ(detour(hosted_shapes().at("nvswitch")[4], 0, 5, 1), 4u);     // rails: the other spine
}

TEST(Topologies, Of65536NodesAreBuiltAtOnceAndRouteWithoutTables) {
  const std::string link = R"({"bandwidth": "1Gbps", "latency": "1us"})";
  for (
      const std::string& text :
      {std::string(R"({"kind": "fat_tree", "k": 64, "bandwidth": "1Gbps", "latency": "1us"})"),
       std::string(R"({"kind": "torus", "dimensions": [32, 32, 64], "bandwidth": "1Gbps", "latency": "1us"})"),
       R"({"kind": "dragonfly", "groups": 256, "routers_per_group": 32, "nodes_per_router": 8, "global_links": 16,
            "node_link": )" +
           link + R"(, "local_link": )" + link + R"(, "global_link": )" + link + "}",
       R"({"kind": "rail_optimized", "rails": 8, "hosts_per_rail": 64, "spines": 64, "nodes": 65536, "node_link": )" +
           link + R"(, "uplink": )" + link +
           R"(, "hosts": {"accelerators": 8, "nics": 8, "fabric": {"kind": "nvswitch", "bandwidth": "1Gbps", "latency": "1us"}}})"}) {
    const auto start = std::chrono::steady_clock::now();
    const auto topology = build(text);
    EXPECT_EQ(topology->nodes(), 65536);
    for (int node = 0; node < 65536; node += 7)
      EXPECT_LE(route_of(*topology, node, 65535 - node).size(), topology->longest_route());
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2)) << text;
  }
}

TEST(Topologies, CarryATrainingRun) {
  for (const auto* texts : {&shapes(), &hosted_shapes()})
    for (const auto& [kind, own] : *texts) {
      if (build(own[0])->nodes() < 5) continue;  // four workers and a server
      const auto made = run("tests/data/wrong/scenario.json", {"numerics=false", "cluster.topology=" + own[0]});
      EXPECT_EQ(made.results.reason, "steps") << own[0];
      EXPECT_TRUE(made.results.all_hold()) << own[0];
    }
  for (const std::string& file : cluster_files()) {
    const auto made = run("tests/data/wrong/scenario.json",
                          {"numerics=false", "cluster.topology=" + path_of(file), "cluster.workers=9"});
    EXPECT_TRUE(made.results.all_hold()) << file;
  }
}

}  // namespace
}  // namespace paceline::test
