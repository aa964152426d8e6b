// Where workers and servers sit: packed, spread, random, by a list.
#include "sim/cluster/placement.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/run.hpp"
#include "tests/support/shapes.hpp"

namespace paceline::test {
namespace {

using Nodes = std::vector<int>;

const std::string hosts =
    R"({"kind": "star", "nodes": 4, "bandwidth": "1Gbps", "latency": "1us",
        "hosts": {"accelerators": 4, "nics": 1, "fabric": {"kind": "nvswitch", "bandwidth": "10Gbps", "latency": "1us"}}})";
const std::string leaves =
    R"({"kind": "leaf_spine", "leaves": 4, "nodes_per_leaf": 4, "spines": 1, "node_link": {"bandwidth": "1Gbps", "latency": "1us"},
        "uplink": {"bandwidth": "1Gbps", "latency": "1us"}})";

TEST(Placement, PackedIsInOrder) { EXPECT_EQ(place(Placement::packed, 3, *build(hosts), 1), (Nodes{0, 1, 2})); }

TEST(Placement, SpreadIsInTurnOverHostsAndEvenlyWhereThereAreMore) {
  EXPECT_EQ(place(Placement::spread, 6, *build(hosts), 1), (Nodes{0, 4, 8, 12, 1, 5}));
  EXPECT_EQ(place(Placement::spread, 2, *build(hosts), 1), (Nodes{0, 8}));
  EXPECT_EQ(place(Placement::spread, 4, *build(leaves), 1), (Nodes{0, 4, 8, 12}));
  EXPECT_EQ(place(Placement::spread, 16, *build(leaves), 1), place(Placement::packed, 16, *build(leaves), 1));
}

TEST(Placement, RandomIsEachOnceByTheSeed) {
  const auto topology = build(hosts);
  const Nodes all = place(Placement::random, 16, *topology, 1);
  EXPECT_EQ(std::set<int>(all.begin(), all.end()).size(), 16u);
  EXPECT_EQ(place(Placement::random, 5, *topology, 1), Nodes(all.begin(), all.begin() + 5));
  EXPECT_NE(all, place(Placement::random, 16, *topology, 2));
  std::vector<int> first(16);
  for (std::uint64_t seed = 0; seed < 1600; ++seed)
    ++first[std::size_t(place(Placement::random, 1, *topology, seed)[0])];
  for (const int count : first) EXPECT_NEAR(count, 100, 5 * 10);  // five standard deviations
}

// Bytes on the links between hosts: packed, four workers and nobody else are in one; spread, all of them are apart.
TEST(Placement, ReachesTheRun) {
  const auto network_bytes = [](const std::string& placement) {
    const auto made =
        run("tests/data/wrong/scenario.json", {"numerics=false", R"(training.strategy={"kind": "bsp"})",
                                               "cluster.topology=" + hosts, "cluster.placement=" + placement});
    EXPECT_TRUE(made.results.all_hold());
    double sum = 0;
    for (const auto& link : made.results.links)
      if (link.name.find("switch -> h") == 0) sum += link.bytes;
    return sum;
  };
  EXPECT_EQ(network_bytes("packed"), 0);
  EXPECT_NEAR(network_bytes("spread"), 4 * 4 * 1.5e6, 1);  // four steps, four links, 2 (N - 1) / N of 1 MB
  EXPECT_NEAR(network_bytes("[0, 1, 4, 5]"), 4 * 2 * 1.5e6, 1);
  EXPECT_EQ(network_bytes("[12, 13, 14, 15]"), 0);
  EXPECT_GT(network_bytes("random"), 0);
}

}  // namespace
}  // namespace paceline::test
