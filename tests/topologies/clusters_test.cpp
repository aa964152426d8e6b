// The clusters that come with the program, against the measured collectives that they were calibrated on, and against
// those that they were not. A ring all-reduce of S bytes over n ranks by closed form on the routes themselves:
// 2(n-1) α + 2(n-1)/n S / B, α the mean over the ring of latencies and overheads, B the least bandwidth × efficiency.
// Figures: stas00/ml-engineering, network/README.md.
#include <gtest/gtest.h>

#include "tests/support/shapes.hpp"

namespace paceline::test {
namespace {

struct Ring {
  double alpha = 0, bandwidth = 1e300;
  int ranks = 0;

  double time(double bytes) const { return 2 * (ranks - 1) * (alpha + bytes / ranks / bandwidth); }
  double bus_bandwidth(double bytes) const { return 2.0 * (ranks - 1) / ranks * bytes / time(bytes); }
};

Ring ring(const std::string& file, int ranks) {
  const TopologyMaker maker = topology_maker("topologies/" + file);
  const auto topology = maker.build(maker.room(ranks));
  Ring made;
  made.ranks = ranks;
  std::vector<LinkId> route;
  for (int rank = 0; rank < ranks; ++rank) {
    topology->route(rank, (rank + 1) % ranks, 0, route);
    for (const LinkId id : route) {
      const LinkSpec link = topology->link(id);
      made.alpha += to_seconds(link.latency + link.overhead) / ranks;
      made.bandwidth = std::min(made.bandwidth, link.bandwidth * link.efficiency);
    }
  }
  return made;
}

void expect_within(double ours, double measured, double share) { EXPECT_NEAR(ours / measured, 1, share); }

TEST(Clusters, HgxB200MeetsTheTwoFiguresItIsCalibratedOn) {
  const Ring b200 = ring("hgx-b200.json", 8);
  expect_within(b200.bus_bandwidth(32 << 10), 1.20e9, 0.001);
  expect_within(b200.bus_bandwidth(16.0 * (1 << 30)), 845.67e9, 0.001);
}

TEST(Clusters, DgxH100MeetsTheAsymptoteOfTheRing) {
  for (const auto& [gpus, gbps] : std::map<int, double>{{4, 363.3}, {5, 364.4}, {6, 365.1}, {7, 365.7}, {8, 365.6}})
    expect_within(ring("dgx-h100.json", gpus).bus_bandwidth(8.0 * (1 << 30)), gbps * 1e9, 0.01);
}

TEST(Clusters, P3dnMeetsTheSmallAllReduceOverTwoHostsAndOverFour) {
  EXPECT_NEAR(ring("aws-p3dn.json", 16).alpha, 5.3e-6, 1e-9);
  expect_within(ring("aws-p3dn.json", 16).time(8), 163.4e-6, 0.05);
  expect_within(ring("aws-p3dn.json", 32).time(8), 319.4e-6, 0.05);
}

TEST(Clusters, HaveTheirNominalBandwidths) {
  const auto bandwidths = [](const std::string& file) {
    const TopologyMaker maker = topology_maker("topologies/" + file);
    const auto topology = maker.build(maker.room(16));
    std::vector<LinkId> route;
    std::vector<double> found;
    for (const int to : {1, 8}) {
      topology->route(0, to, 0, route);
      found.push_back(topology->link(route[0]).bandwidth / 1e9);
    }
    return found;
  };
  using Two = std::vector<double>;
  EXPECT_EQ(bandwidths("dgx1-v100.json"), (Two{50, 12.5}));
  EXPECT_EQ(bandwidths("dgx-a100.json"), (Two{300, 25}));
  EXPECT_EQ(bandwidths("dgx-h100.json"), (Two{450, 50}));
  EXPECT_EQ(bandwidths("hgx-b200.json"), (Two{900, 50}));
  EXPECT_EQ(bandwidths("aws-p3dn.json"), (Two{50, 12.5}));
  EXPECT_EQ(bandwidths("aws-p4d.json"), (Two{300, 12.5}));
  EXPECT_EQ(bandwidths("aws-p5.json"), (Two{450, 50}));
  EXPECT_EQ(bandwidths("rack-25gbe.json"), (Two{3.125, 3.125}));
  EXPECT_EQ(bandwidths("rack-100gbe.json"), (Two{12.5, 12.5}));
  EXPECT_EQ(bandwidths("fat-tree-1024.json"), (Two{450, 50}));
}

// Every V100 has six NVLinks of 25 GB/s.
TEST(Clusters, TheHybridCubeMeshUsesSixLinksOfEveryGpu) {
  const auto topology = build("topologies/dgx1-v100.json");
  std::vector<double> sum(std::size_t(topology->nodes()));
  for (LinkId id = 0; id < topology->links(); ++id)
    if (topology->ends(id).from < topology->nodes())
      sum[std::size_t(topology->ends(id).from)] += topology->link(id).bandwidth;
  for (const double each : sum) EXPECT_DOUBLE_EQ(each, 150e9);
}

}  // namespace
}  // namespace paceline::test
