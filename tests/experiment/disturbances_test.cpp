// Whole runs on links that fail, beside the traffic of others.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

const std::string scenario = "tests/data/wrong/scenario.json";
const std::vector<std::string> ring{"numerics=false", R"(training.strategy={"kind": "bsp"})", "cluster.stragglers=[]",
                                    R"(cluster.jitter={"kind": "constant"})", "training.stop.steps=10"};

Results with(std::vector<std::string> more, const std::string& of = scenario) {
  std::vector<std::string> sets = ring;
  sets.insert(sets.end(), more.begin(), more.end());
  return run(of, sets).results;
}

TEST(Disturbances, AnOutageHoldsTheRingUpForAsLongAsItLasts) {
  const Results calm = with({});
  const Results out =
      with({R"(cluster.link_events=[{"kind": "down", "link": "n1 -> switch", "at": "35ms", "duration": "200ms"}])"});
  // At 35 ms the ring's chunks flow; all of them wait for the link's, and go on where they were.
  EXPECT_NEAR(out.simulated_time_s, calm.simulated_time_s + 0.2, 1e-9);
  EXPECT_GE(out.held, 1u);
  EXPECT_EQ(out.rerouted, 0u);
  EXPECT_EQ(calm.held, 0u);
  EXPECT_TRUE(out.all_hold());
}
TEST(Disturbances, AnOutageForEverIsADeadlockThatNamesTheLink) {
  for (const std::string evaluate : {"{}", R"({"every": {"time": "1s"}})"}) {
    const Results stuck = with({R"(cluster.link_events=[{"kind": "down", "link": "n1 <-> switch", "at": "35ms"}])",
                                R"(cluster.background_traffic=[{"kind": "poisson", "load": "10Mbps", "size": "1kB"}])",
                                "training.evaluate=" + evaluate});
    EXPECT_EQ(stuck.reason, "deadlock");
    EXPECT_NE(stuck.detail.find("the link n1 -> switch is down"), std::string::npos) << stuck.detail;
  }
}
TEST(Disturbances, HalfOfTheEfficiencyIsHalfOfTheBandwidth) {
  const Results half = with({"cluster.network.bandwidth_efficiency=0.5"});
  const Results slow = with({"cluster.topology.bandwidth=0.5Gbps"});
  EXPECT_EQ(half.simulated_time_s, slow.simulated_time_s);
  EXPECT_EQ(half.fingerprint, slow.fingerprint);
  for (std::size_t l = 0; l < half.links.size(); ++l) {
    EXPECT_DOUBLE_EQ(half.links[l].utilization, slow.links[l].utilization);
    EXPECT_DOUBLE_EQ(half.links[l].peak_utilization, slow.links[l].peak_utilization);
  }
}
TEST(Disturbances, EveryMessageOfTheRingPaysItsOverhead) {
  const Results free = with({}), dear = with({"cluster.network.per_message_overhead=100us"});
  EXPECT_NEAR(dear.simulated_time_s - free.simulated_time_s, 10 * 6 * 1e-4, 1e-9);  // 2 (N - 1) messages a step
}
TEST(Disturbances, TheTrafficOfOthersIsNotTheWorkers) {
  const std::string others =
      R"(cluster.background_traffic=[{"kind": "poisson", "load": "100Mbps", "size": "10kB", "from": [0], "to": [1]}])";
  const Results calm = with({}), busy = with({others}), again = with({others});
  EXPECT_EQ(busy.bytes_on_wire, calm.bytes_on_wire);
  EXPECT_GT(busy.simulated_time_s, calm.simulated_time_s);
  EXPECT_GT(busy.background_bytes, 0);
  EXPECT_NEAR(busy.links[0].bytes, calm.links[0].bytes + busy.background_bytes, 0.05 * busy.background_bytes);
  EXPECT_EQ(busy.fingerprint, again.fingerprint);
  EXPECT_TRUE(busy.all_hold());
}
TEST(Disturbances, LinksOfALeafSpineThatFailAreDrivenRound) {
  const Results out = with({R"(cluster.topology={"kind": "leaf_spine", "leaves": 2, "nodes_per_leaf": 2, "spines": 2,
                               "node_link": {"bandwidth": "1Gbps", "latency": "1us"},
                               "uplink": {"bandwidth": "1Gbps", "latency": "1us"}})",
                            R"(cluster.link_events=[{"kind": "down", "link": "* <-> spine0", "at": "1ms"}])"});
  EXPECT_EQ(out.held, 0u);
  EXPECT_EQ(out.reason, "steps");
  double through = 0;
  for (const LinkResult& link : out.links)
    if (link.name.find("spine0") != std::string::npos) through += link.bytes;
  EXPECT_EQ(through, 0);
}
TEST(Disturbances, AGraphFindsItsWayRound) {
  const std::string keys = R"("bandwidth": "1Gbps", "latency": "1us"})";
  const std::string graph = R"(cluster.topology={"kind": "graph", "nodes": ["a", "b", "c", "d"], "links": [
      {"from": "a", "to": "b", )" +
                            keys + R"(, {"from": "b", "to": "c", )" + keys + R"(, {"from": "c", "to": "d", )" + keys +
                            R"(, {"from": "d", "to": "a", )" + keys + "]}";
  const Results out = with({graph, R"(cluster.link_events=[{"kind": "down", "link": "a <-> b", "at": "1ms"}])"});
  EXPECT_EQ(out.reason, "steps");
  EXPECT_GT(out.rerouted, 0u);
  EXPECT_EQ(out.held, 0u);
}
TEST(Disturbances, LinksThatAreNeverDisturbedMakeTheSameEvents) {
  const Results calm = with({});
  EXPECT_EQ(with({R"(cluster.link_events=[{"kind": "down", "link": "*", "at": "1000s"}])"}).simulated_time_s,
            calm.simulated_time_s);
  EXPECT_EQ(with({"cluster.network.sharing_noise=0"}).fingerprint, calm.fingerprint);
}
TEST(Disturbances, BusyTimeAndFlowsOfALinkAreThoseOfTheRing) {
  const Results calm = with({"training.stop.steps=1"});
  const LinkResult& up = calm.links[0];
  EXPECT_NEAR(up.busy_s, up.bytes / 0.125e9, 1e-9);  // alone on its link, a message flows at its bandwidth
  EXPECT_NEAR(up.mean_flows, 1, 1e-9);
}

// Hosts whose accelerators reach their cards at no cost: routes begin at a card, or inside.
TEST(Disturbances, HostsWithAcceleratorsFindTheirWayRound) {
  const std::string hosts =
      R"(cluster.topology={"kind": "leaf_spine", "leaves": 2, "nodes_per_leaf": 2, "spines": 2,
         "node_link": {"bandwidth": "10Gbps", "latency": "1us"}, "uplink": {"bandwidth": "10Gbps", "latency": "1us"},
         "hosts": {"accelerators": 4, "nics": 2, "fabric": {"kind": "nvswitch", "bandwidth": "100GBps", "latency": "1us"}}})";
  for (const char* spine : {"spine0", "spine1"}) {
    const Results out =
        with({"cluster.workers=8", hosts,
              fmt::format(R"(cluster.link_events=[{{"kind": "down", "link": "leaf* <-> {}", "at": "35ms"}}])", spine)});
    EXPECT_EQ(out.reason, "steps") << spine;
    EXPECT_EQ(out.held, 0u) << spine;
    EXPECT_TRUE(out.all_hold()) << spine;
  }
}
TEST(Disturbances, ADetourMayBeFasterThanTheRoute) {
  const Results out =
      with({"cluster.workers=2", R"(cluster.topology={"kind": "graph", "nodes": ["a", "b", "s"], "links": [
         {"from": "a", "to": "b", "bandwidth": "1Gbps", "latency": "1us"},
         {"from": "a", "to": "s", "bandwidth": "100Gbps", "latency": "1us"},
         {"from": "s", "to": "b", "bandwidth": "100Gbps", "latency": "1us"}]})",
            R"(cluster.link_events=[{"kind": "down", "link": "a <-> b", "at": "0s"}])"});
  EXPECT_EQ(out.reason, "steps");
  EXPECT_GT(out.rerouted, 0u);
  EXPECT_TRUE(out.all_hold());
}
TEST(Disturbances, FusedCollectivesFeelALatencyWhileItLasts) {
  const auto seconds = [](const char* fidelity, const char* event) {
    return with({fmt::format("cluster.network.fidelity={}", fidelity), fmt::format("cluster.link_events=[{}]", event)})
        .simulated_time_s;
  };
  const double calm = seconds("fused", "");
  const char* early =
      R"({"kind": "degrade", "link": "n1 <-> switch", "at": "0s", "latency": "10ms", "duration": "1us"})";
  EXPECT_EQ(seconds("fused", early), calm) << "over before the first message";
  const char* late = R"({"kind": "degrade", "link": "n1 <-> switch", "at": "1us", "latency": "10ms"})";
  const double fluid = seconds("fluid", late);
  EXPECT_GT(seconds("fused", late), calm + 0.5 * (fluid - calm));
}
TEST(Disturbances, AnalyticKnowsNothingOfThemAndSaysSo) {
  for (const char* set : {R"(cluster.link_events=[{"kind": "down", "link": "n1 <-> switch", "at": "0s"}])",
                          R"(cluster.background_traffic=[{"kind": "poisson", "load": "10Mbps", "size": "1kB"}])"})
    EXPECT_THROW(with({"cluster.network.fidelity=analytic", set}), ConfigError) << set;
}
TEST(Disturbances, PoissonTrafficHasItsLoadAmongFewNodes) {
  for (const int nodes : {2, 4}) {
    const Results out = with({fmt::format("cluster.workers={}", nodes), "training.stop.steps=400",
                              R"(cluster.background_traffic=[{"kind": "poisson", "load": "100Mbps", "size": "1kB"}])"});
    const double expected = 12.5e6 * out.simulated_time_s, flows = expected / 1000;
    EXPECT_NEAR(out.background_bytes, expected, 4 * 1000 * std::sqrt(flows) + 2000) << nodes;
  }
  EXPECT_THROW(
      with(
          {R"(cluster.background_traffic=[{"kind": "poisson", "load": "1Mbps", "size": "1kB", "from": [1], "to": [1]}])"}),
      ConfigError);
}

}  // namespace
}  // namespace paceline::test
