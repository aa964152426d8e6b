// Bisection bandwidth, found by max-flow over the links, against the formulas of the literature (Dally, Towles,
// "Principles and practices of interconnection networks", 2004; Al-Fares et al. 2008), and what else `validate` says.
#include "topologies/measure.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/shapes.hpp"

namespace paceline::test {
namespace {

constexpr double gigabit = 125e6;  // bytes a second

double bisection_of(const std::string& topology, int nodes = 6) {
  return topologies::bisection(*build(topology, nodes)) / gigabit;
}
std::string plain(const std::string& kind, const std::string& more) {
  return fmt::format(R"({{"kind": "{}", {}, "bandwidth": "1Gbps", "latency": "1us"}})", kind, more);
}
std::string link(double gbps) { return fmt::format(R"({{"bandwidth": "{}Gbps", "latency": "1us"}})", gbps); }

TEST(Bisection, OfATorusIsTwiceTheNodesOverTheLongestSide) {
  EXPECT_DOUBLE_EQ(bisection_of(plain("torus", R"("dimensions": [4, 4])")), 2 * 16 / 4);
  EXPECT_DOUBLE_EQ(bisection_of(plain("torus", R"("dimensions": [4, 8])")), 2 * 32 / 8);
  EXPECT_DOUBLE_EQ(bisection_of(plain("torus", R"("dimensions": [8, 4, 4])")), 2 * 128 / 8);
  EXPECT_DOUBLE_EQ(bisection_of(plain("torus", R"("dimensions": [2, 6, 3])")), 2 * 36 / 6);
  EXPECT_DOUBLE_EQ(bisection_of(plain("torus", R"("dimensions": [2, 2, 2])")), 4);  // a hypercube: half the nodes
  EXPECT_DOUBLE_EQ(bisection_of(plain("ring", R"("nodes": 8)")), 2);
}

TEST(Bisection, OfAFullMeshIsAQuarterOfTheSquare) {
  EXPECT_DOUBLE_EQ(bisection_of(plain("full_mesh", R"("nodes": 8)")), 16);
  EXPECT_DOUBLE_EQ(bisection_of(plain("full_mesh", R"("nodes": 5)")), 6);
}

TEST(Bisection, OfAStarAndOfAFatTreeIsHalfTheNodes) {
  EXPECT_DOUBLE_EQ(bisection_of(plain("star", R"("nodes": 10)")), 5);
  for (const int k : {2, 4, 6, 8}) {
    EXPECT_DOUBLE_EQ(bisection_of(plain("fat_tree", fmt::format("\"k\": {}", k))), k * k * k / 8) << k;
    EXPECT_DOUBLE_EQ(bisection_of(plain("fat_tree", fmt::format("\"k\": {}, \"core_link\": {}", k, link(0.25)))),
                     k * k * k / 8 * 0.25)
        << k;
  }
}

TEST(Bisection, OfLeavesAndSpinesIsTheLesserOfNodesAndUplinks) {
  for (const int leaves : {2, 4, 6})
    for (const int nodes : {1, 3, 8})
      for (const int spines : {1, 2, 5}) {
        const std::string text = fmt::format(
            R"({{"kind": "leaf_spine", "leaves": {}, "nodes_per_leaf": {}, "spines": {}, "node_link": {}, "uplink": {}}})",
            leaves, nodes, spines, link(1), link(1.5));
        EXPECT_DOUBLE_EQ(bisection_of(text), leaves / 2 * std::min<double>(nodes, 1.5 * spines)) << text;
        const auto measured = topologies::measure(*build(text));
        EXPECT_DOUBLE_EQ(measured.oversubscription, std::max(1.0, nodes / (1.5 * spines))) << text;
      }
}

TEST(Bisection, OfADragonflyIsItsGlobalLinksBetweenHalvesOfTheGroups) {
  const auto text = [](int groups, int routers, int nodes, int global_links) {
    return fmt::format(R"({{"kind": "dragonfly", "groups": {}, "routers_per_group": {}, "nodes_per_router": {},
                            "global_links": {}, "node_link": {}, "local_link": {}, "global_link": {}}})",
                       groups, routers, nodes, global_links, link(10), link(10), link(1));
  };
  EXPECT_DOUBLE_EQ(bisection_of(text(4, 3, 2, 1)), 2 * 2 * 1);
  EXPECT_DOUBLE_EQ(bisection_of(text(6, 5, 2, 2)), 3 * 3 * 2);
}

TEST(Bisection, OfHostsIsThatOfTheirCards) {
  const std::string hosts =
      R"(, "hosts": {"accelerators": 8, "nics": 4, "fabric": {"kind": "nvswitch", "bandwidth": "100Gbps", "latency": "2us"}})";
  const auto star = topologies::measure(
      *topology_maker(R"({"kind": "star", "bandwidth": "1Gbps", "latency": "1us")" + hosts + "}").build(32));
  EXPECT_DOUBLE_EQ(star.bisection / gigabit, 8);
  EXPECT_DOUBLE_EQ(star.oversubscription, 1);
  EXPECT_EQ(star.nodes, 32);
  EXPECT_EQ(star.hosts, 4);
  EXPECT_EQ(star.switches, 1);
  EXPECT_EQ(star.in_hosts, 4 * (4 + 1));
  EXPECT_EQ(star.links, 4u * (2 * 8 + 2 * 4));
  EXPECT_EQ(star.diameter, 2u);
  EXPECT_EQ(star.latency, std::chrono::microseconds(4));
  const auto one = topologies::measure(
      *topology_maker(R"({"kind": "star", "bandwidth": "1Gbps", "latency": "1us")" + hosts + "}").build(8));
  EXPECT_DOUBLE_EQ(one.bisection / gigabit, 402);  // of the one host: over its fabric and over its cards
}

TEST(Measure, OfWhatHasNoLimitIsInfinite) {
  const auto ideal = topologies::measure(*build(R"({"kind": "ideal", "nodes": 4})"));
  EXPECT_TRUE(std::isinf(ideal.bisection));
  EXPECT_EQ(ideal.diameter, 0u);
  EXPECT_EQ(ideal.latency, Span{0});
}

TEST(Measure, FindsTheDiameterOfEveryTopology) {
  for (const Built& built : all_topologies()) {
    const auto measured = topologies::measure(*built.topology);
    if (built.name.find("dragonfly") == built.name.npos) {
      EXPECT_EQ(measured.diameter, built.topology->longest_route()) << built.name;
    }
    EXPECT_LE(measured.diameter, built.topology->longest_route()) << built.name;
    EXPECT_GE(measured.oversubscription, 0.99) << built.name;
  }
}

}  // namespace
}  // namespace paceline::test
