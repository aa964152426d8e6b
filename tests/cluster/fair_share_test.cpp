// Max-min fairness: closed forms, and random networks against a progressive filling that is written
// here from its definition (Bertsekas and Gallager, Data Networks, 6.5.2) and knows nothing of FairShare.
#include "sim/cluster/fair_share.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

namespace paceline {
namespace {

struct Flow {
  std::vector<LinkId> route;
  double weight = 1;
};
using Flows = std::map<FlowId, Flow>;

// All rates rise together, in proportion to the weights; a flow stops when a link of its is full.
std::map<FlowId, double> filled(const std::vector<double>& capacity, const Flows& flows) {
  std::map<FlowId, long double> rate;
  while (rate.size() < flows.size()) {
    long double level = INFINITY;
    std::size_t full = 0;
    for (std::size_t link = 0; link < capacity.size(); ++link) {
      long double left = capacity[link], weight = 0;
      for (const auto& [id, flow] : flows)
        for (const LinkId l : flow.route)
          if (l == link) rate.contains(id) ? left -= rate[id] : weight += flow.weight;
      if (weight > 0 && std::max(left, 0.0L) / weight < level) {
        level = std::max(left, 0.0L) / weight;
        full = link;
      }
    }
    for (const auto& [id, flow] : flows)
      if (!rate.contains(id) && std::find(flow.route.begin(), flow.route.end(), full) != flow.route.end())
        rate[id] = flow.weight * level;
  }
  std::map<FlowId, double> result;
  for (const auto& [id, r] : rate) result[id] = double(r);
  return result;
}

struct Net {  // a FairShare, and what the reference needs
  std::vector<double> capacity;
  FairShare shares;
  Flows flows{};
  std::map<FlowId, double> told{};  // the rates that solve() said have changed

  Net(std::vector<double> capacities, unsigned longest) : capacity(std::move(capacities)), shares(longest) {
    for (const double c : capacity) shares.add_link(c);
  }
  void add(FlowId id, std::vector<LinkId> route, double weight = 1) {
    shares.set_route(id, route, weight);
    shares.join(id);
    flows[id] = {std::move(route), weight};
    told[id] = 0;
  }
  void drop(FlowId id) {
    shares.leave(id);
    flows.erase(id);
    told.erase(id);
  }
  void resize(LinkId link, double c) {
    capacity[link] = c;
    shares.set_capacity(link, c);
  }
  // Returns how many flows have a new rate, as far as it tells.
  std::size_t solve() {
    shares.solve();
    std::set<FlowId> changed(shares.placed().begin(), shares.placed().end());
    changed.insert(shares.lonely().begin(), shares.lonely().end());
    for (const auto& [id, flow] : flows)
      if (std::count(shares.leveled().begin(), shares.leveled().end(), shares.bottleneck(id))) changed.insert(id);
    for (const FlowId id : changed) told[id] = shares.rate(id);
    return changed.size();
  }
  // The largest relative error of any rate.
  double error() const {
    double worst = 0;
    for (const auto& [id, expected] : filled(capacity, flows))
      for (const double rate : {shares.rate(id), told.at(id)})
        worst = std::max(worst, expected > 0 ? std::abs(rate / expected - 1) : rate);
    return worst;
  }
  double worst_load() const {
    double worst = 0;
    for (LinkId link = 0; link < capacity.size(); ++link) worst = std::max(worst, shares.peak(link));
    return worst;
  }
};

TEST(FairShare, AChainGivesEveryFlowHalf) {
  Net net({10, 10, 10, 10, 10}, 5);
  net.add(0, {0, 1, 2, 3, 4});
  for (FlowId id = 1; id <= 5; ++id) net.add(id, {id - 1});
  net.solve();
  for (FlowId id = 0; id <= 5; ++id) EXPECT_DOUBLE_EQ(net.shares.rate(id), 5) << id;
}
TEST(FairShare, WhatAFlowCannotUseOthersGet) {
  Net net({10, 4}, 2);
  net.add(1, {0});
  net.add(2, {0, 1});
  net.add(3, {1});
  net.solve();
  EXPECT_DOUBLE_EQ(net.shares.rate(1), 8);
  EXPECT_DOUBLE_EQ(net.shares.rate(2), 2);
  EXPECT_DOUBLE_EQ(net.shares.rate(3), 2);
}
TEST(FairShare, IncastSharesTheNicAndASlowFlowLeavesItsPart) {
  Net net({12, 1, 100, 100, 100, 100}, 2);  // the NIC; a slow link; other senders
  for (FlowId id = 0; id < 3; ++id) net.add(id, {id + 2, 0});
  net.solve();
  for (FlowId id = 0; id < 3; ++id) EXPECT_DOUBLE_EQ(net.shares.rate(id), 4);
  net.add(3, {1, 0});
  net.solve();
  EXPECT_DOUBLE_EQ(net.shares.rate(3), 1);
  for (FlowId id = 0; id < 3; ++id) EXPECT_DOUBLE_EQ(net.shares.rate(id), 11.0 / 3);
}
TEST(FairShare, WeightsDivideALink) {
  Net net({12}, 1);
  net.add(0, {0}, 1);
  net.add(1, {0}, 2);
  net.solve();
  EXPECT_DOUBLE_EQ(net.shares.rate(0), 4);
  EXPECT_DOUBLE_EQ(net.shares.rate(1), 8);
}
TEST(FairShare, OnlyFlowsWithANewRateAreTold) {
  Net net({10, 10}, 1);
  net.add(0, {0});
  net.add(1, {1});
  EXPECT_EQ(net.solve(), 2u);
  net.add(2, {1});
  EXPECT_EQ(net.solve(), 2u);  // 1 and 2, not 0
  net.drop(2);
  EXPECT_EQ(net.solve(), 1u);
  EXPECT_EQ(net.shares.rate(1), 10);
}
TEST(FairShare, ALinkMayBecomeSlowerFasterAndStop) {
  Net net({10, 10}, 2);
  net.add(0, {0, 1});
  net.add(1, {1});
  net.solve();
  for (const auto& [link, c] : std::vector<std::pair<LinkId, double>>{{0, 2}, {0, 20}, {1, 0}, {1, 30}, {0, 0}}) {
    net.resize(link, c);
    net.solve();
    EXPECT_LE(net.error(), 1e-12) << link << ' ' << c;
  }
  EXPECT_DOUBLE_EQ(net.shares.rate(1), 30);
  EXPECT_LE(net.worst_load(), 1 + 1e-12);
}
TEST(FairShare, ARouteMayUseALinkTwice) {
  Net net({12}, 4);
  net.add(0, {0, 0});
  net.add(1, {0});
  net.solve();
  EXPECT_DOUBLE_EQ(net.shares.rate(0), 4);
  EXPECT_DOUBLE_EQ(net.shares.rate(1), 4);
}
TEST(FairShare, PeaksAreKeptPerLink) {
  Net net({10, 4}, 2);
  net.add(0, {0, 1});
  net.solve();
  EXPECT_DOUBLE_EQ(net.shares.peak(0), 0.4);
  EXPECT_DOUBLE_EQ(net.shares.peak(1), 1);
  net.resize(0, 100);
  net.solve();
  EXPECT_DOUBLE_EQ(net.shares.peak(0), 0.4);  // of the former capacity
}

std::vector<LinkId> random_route(std::mt19937& random, std::size_t links, std::size_t longest) {
  std::vector<LinkId> all(links);
  for (LinkId l = 0; l < links; ++l) all[l] = l;
  std::shuffle(all.begin(), all.end(), random);
  all.resize(std::min(links, 1 + random() % longest));
  return all;
}
struct Random {
  std::mt19937 bits;
  std::size_t below(std::size_t n) { return bits() % n; }
  double uniform() { return (double(bits()) + 0.5) * 0x1p-32; }
  double spread(double decades) { return std::pow(10, decades * (uniform() - 0.5)); }
};

TEST(FairShare, AgreesWithProgressiveFillingOnAThousandRandomNetworks) {
  for (unsigned seed = 0; seed < 1000; ++seed) {
    Random random{std::mt19937(seed)};
    const std::size_t links = 1 + random.below(20), flows = 1 + random.below(40), longest = 1 + random.below(6);
    const bool equal = seed % 3 == 0, weighted = seed % 2 == 0;
    std::vector<double> capacity(links);
    for (double& c : capacity) c = equal ? 10 : random.spread(4);
    Net net(capacity, unsigned(longest));
    for (FlowId id = 0; id < flows; ++id)
      net.add(id, random_route(random.bits, links, longest), weighted ? random.spread(2) : 1);
    net.solve();
    ASSERT_LE(net.error(), 1e-9) << "seed " << seed;
    ASSERT_LE(net.worst_load(), 1 + 1e-9) << "seed " << seed;
  }
}
TEST(FairShare, AgreesWithProgressiveFillingUnderRandomChurn) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    Random random{std::mt19937(seed)};
    const std::size_t links = 2 + random.below(15), longest = 1 + random.below(5);
    std::vector<double> capacity(links);
    for (double& c : capacity) c = seed % 2 ? 10 : random.spread(2);
    Net net(capacity, unsigned(longest));
    for (int step = 0; step < 150; ++step) {
      for (std::size_t changes = 1 + random.below(4); changes > 0; --changes) {
        const FlowId id = FlowId(random.below(30));
        if (net.flows.contains(id)) net.drop(id);
        else net.add(id, random_route(random.bits, links, longest), seed % 4 < 2 ? 1 : random.spread(1));
        if (random.below(5) == 0 && !net.flows.empty()) {
          auto& [heavier, flow] = *net.flows.begin();
          net.shares.set_weight(heavier, flow.weight = random.spread(1));
        }
        if (random.below(10) == 0) net.resize(LinkId(random.below(links)), random.below(8) ? random.spread(2) : 0);
      }
      net.solve();
      ASSERT_LE(net.error(), 1e-9) << "seed " << seed << " step " << step;
    }
    ASSERT_LE(net.worst_load(), 1 + 1e-9) << "seed " << seed;
  }
}
TEST(FairShare, LongRunsDoNotLetTheLoadsDrift) {
  Random random{std::mt19937(1)};
  Net net({1, 3, 7}, 2);
  for (int step = 0; step < 20'000; ++step) {
    const FlowId id = FlowId(random.below(8));
    if (net.flows.contains(id)) net.drop(id);
    else net.add(id, random_route(random.bits, 3, 2), random.spread(3));
    net.solve();
  }
  EXPECT_LE(net.error(), 1e-9);
}

}  // namespace
}  // namespace paceline
