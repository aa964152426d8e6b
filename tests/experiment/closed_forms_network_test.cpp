// Who shares which link with whom, in cases that can be solved by hand: flows on graphs from scenario files, incast
// into a server, the lengths of paths.
#include <gtest/gtest.h>

#include "sim/cluster/network.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using namespace std::chrono_literals;

struct Link {
  std::string from, to, bandwidth;
};

// A graph as in a scenario, one-way links without latency, and flows on it that all start at once.
class Flows {
 public:
  Flows(const std::string& nodes, const std::vector<Link>& links) {
    std::string list;
    for (const Link& link : links)
      list += fmt::format(R"({}{{"from": "{}", "to": "{}", "bandwidth": "{}", "latency": "0s", "duplex": false}})",
                          list.empty() ? "" : ", ", link.from, link.to, link.bandwidth);
    const Spec spec =
        parse("tests/data/scenarios/timing.json",
              {fmt::format(R"(cluster.topology={{"kind": "graph", "nodes": [{}], "links": [{}]}})", nodes, list)});
    topology_ = spec.cluster.topology.build(spec.cluster.topology.nodes);
    network_ = std::make_unique<Network>(engine_, *topology_);
  }
  ~Flows() { engine_.stop(); }

  void add(int from, int to) {
    std::vector<LinkId> route;
    topology_->route(from, to, 0, route);
    flows_.push_back(network_->send(route, 1e9, arrivals_));
  }
  // After a microsecond, in bytes per second.
  std::vector<double> rates() {
    std::vector<double> rates;
    engine_.spawn("probe", probe(rates));
    engine_.run();
    return rates;
  }

 private:
  Task<> probe(std::vector<double>& rates) {
    co_await engine_.sleep(1us);
    for (FlowId flow : flows_) rates.push_back(network_->rate(flow));
  }

  Engine engine_;
  std::unique_ptr<const Topology> topology_;
  std::unique_ptr<Network> network_;
  Arrivals arrivals_{engine_};
  std::vector<FlowId> flows_;
};

void expect_rates(const std::vector<double>& rates, const std::vector<double>& expected) {
  ASSERT_EQ(rates.size(), expected.size());
  for (std::size_t i = 0; i < rates.size(); ++i) EXPECT_NEAR(rates[i], expected[i], 1e-9 * expected[i]) << "flow " << i;
}

TEST(MaxMin, GivesHalfToTheFlowOverAChainAndHalfToEachFlowOverOneLinkOfIt) {
  for (int links : {1, 2, 5, 9}) {
    std::string nodes = R"("n0", "n1", "n2", "n3")";
    std::vector<Link> chain;
    for (int i = 0; i < links; ++i) chain.push_back({fmt::format("n{}", i), fmt::format("n{}", i + 1), "10GBps"});
    for (int i = 4; i <= std::max(links, 4); ++i) nodes += fmt::format(R"(, "n{}")", i);
    Flows flows(nodes, chain);
    flows.add(0, links);
    for (int i = 0; i < links; ++i) flows.add(i, i + 1);
    expect_rates(flows.rates(), std::vector<double>(std::size_t(links) + 1, 5e9));
  }
}

TEST(MaxMin, GivesTheRestOfAWideLinkToTheFlowThatIsNotHeldUpElsewhere) {
  Flows flows(R"("a", "b", "c", "d")", {{"a", "b", "10GBps"}, {"b", "c", "4GBps"}});
  flows.add(0, 1);
  flows.add(0, 2);
  flows.add(1, 2);
  expect_rates(flows.rates(), {8e9, 2e9, 2e9});
}

TEST(MaxMin, SharesANicAmongEqualSenders) {
  for (int n : {1, 3, 6}) {
    std::vector<Link> links{{"switch", "server", "12GBps"}};
    std::string nodes = R"("switch", "server", "spare", "other")";
    for (int i = 0; i < n; ++i)
      nodes += fmt::format(R"(, "w{}")", i), links.push_back({fmt::format("w{}", i), "switch", "100GBps"});
    Flows flows(nodes, links);
    for (int i = 0; i < n; ++i) flows.add(4 + i, 1);
    expect_rates(flows.rates(), std::vector<double>(std::size_t(n), 12e9 / n));
  }
}

TEST(MaxMin, SharesWhatASlowSenderLeavesAmongTheOthers) {
  Flows flows(R"("switch", "server", "a", "b", "c", "slow")", {{"switch", "server", "12GBps"},
                                                               {"a", "switch", "100GBps"},
                                                               {"b", "switch", "100GBps"},
                                                               {"c", "switch", "100GBps"},
                                                               {"slow", "switch", "1.5GBps"}});
  for (int from : {2, 3, 4, 5}) flows.add(from, 1);
  expect_rates(flows.rates(), {3.5e9, 3.5e9, 3.5e9, 1.5e9});
}

// A step at a server goes from update to update, since a run ends with one.
double step_at_a_server(std::vector<std::string> assignments) {
  assignments.emplace_back(R"(training.strategy={"kind": "bsp", "aggregate": {"kind": "parameter_server"}})");
  const auto time_of = [&](int steps) {
    auto all = assignments;
    all.emplace_back(fmt::format("training.stop.steps={}", steps));
    const Results r = run("tests/data/scenarios/timing.json", all).results;
    EXPECT_TRUE(r.all_hold());
    return r.simulated_time_s;
  };
  return time_of(2) - time_of(1);
}

// n gradients of S bytes into one NIC of B, then n answers out of it: 2 n S/B, and four links' latencies. Each of the
// two messages and the computation may be off by a tick.
TEST(Incast, MakesAStepOfBspTakeTheBytesOfAllWorkersThereAndBack) {
  for (int n : {1, 2, 5, 16, 64}) {
    const double expected = 3e-3 + 2 * n * 3e-3 + 4 * 7e-6;
    EXPECT_NEAR(step_at_a_server({fmt::format("cluster.workers={}", n),
                                  R"(cluster.topology={"kind": "star", "bandwidth": "1GBps", "latency": "7us"})",
                                  "workload.cost.gradient=3MB"}),
                expected, 1e-9 * expected + 3e-12)
        << n << " workers";
  }
}

// In the first round all push at once and arrive together; the answers to all leave at once, too.
TEST(Incast, MakesTheFirstRoundOfAsyncAsLongAsOneOfBsp) {
  const Results r =
      run("tests/data/scenarios/timing.json",
          {"cluster.workers=5", R"(cluster.topology={"kind": "star", "bandwidth": "1GBps", "latency": "7us"})",
           "workload.cost.gradient=3MB", R"(training.strategy={"kind": "async"})", R"(training.stop={"updates": 10})"})
          .results;
  const double round = 3e-3 + 10 * 3e-3 + 4 * 7e-6;
  EXPECT_NEAR(r.simulated_time_s, round + 3e-3 + 5 * 3e-3 + 2 * 7e-6, 1e-10);
  for (const WorkerResult& worker : r.workers)
    EXPECT_NEAR(worker.seconds[std::size_t(Activity::communication)], 15 * 3e-3 + 6 * 7e-6, 1e-10);
}

// Nodes 0 and 1 are on the first leaf, 2 and 3 on the second. 1 MB takes 1 ms on a node's link of 1 GB/s.
TEST(LeafSpine, CountsTwoLinksUnderOneLeafAndFourBetweenLeaves) {
  const auto step = [](int worker, int server) {
    return step_at_a_server({"cluster.workers=1",
                             R"(cluster.topology={"kind": "leaf_spine", "leaves": 2, "nodes_per_leaf": 2, "spines": 2,
                                                      "node_link": {"bandwidth": "1GBps", "latency": "3us"}, "uplink": {"bandwidth": "4GBps", "latency": "11us"}})",
                             fmt::format("cluster.placement=[{}, {}]", worker, server), "workload.cost.gradient=1MB"});
  };
  for (const auto& [worker, server] : {std::pair{0, 1}, {1, 0}, {3, 2}})
    EXPECT_NEAR(step(worker, server), 3e-3 + 2 * (1e-3 + 2 * 3e-6), 1e-14) << worker << " to " << server;
  for (const auto& [worker, server] : {std::pair{0, 2}, {1, 3}, {3, 0}})
    EXPECT_NEAR(step(worker, server), 3e-3 + 2 * (1e-3 + 2 * 3e-6 + 2 * 11e-6), 1e-14) << worker << " to " << server;
}

TEST(LeafSpine, BoundsAPathByItsSlowestLink) {
  const Results r =
      run("tests/data/scenarios/timing.json",
          {"cluster.workers=1",
           R"(cluster.topology={"kind": "leaf_spine", "leaves": 2, "nodes_per_leaf": 1, "spines": 1,
                                                  "node_link": {"bandwidth": "1GBps", "latency": "0s"}, "uplink": {"bandwidth": "250MBps", "latency": "0s"}})",
           "workload.cost.gradient=1MB", R"(training.strategy={"kind": "async"})", R"(training.stop={"updates": 1})"})
          .results;
  EXPECT_NEAR(r.simulated_time_s, 3e-3 + 4e-3, 1e-14);
}

}  // namespace
}  // namespace paceline::test
