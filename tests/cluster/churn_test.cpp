// The network under churn: random arrivals, departures, cancels, weights and capacities on random graphs, against a
// second implementation that is written here: progressive filling from its definition (Bertsekas and Gallager, Data
// Networks, 6.5.2) at every event, and rates integrated flow by flow.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "sim/cluster/network.hpp"

namespace paceline {
namespace {

struct Random {
  std::mt19937 bits;
  std::size_t below(std::size_t n) { return bits() % n; }
  double uniform() { return (double(bits()) + 0.5) * 0x1p-32; }
  double spread(double decades) { return std::pow(10, decades * (uniform() - 0.5)); }
};

// Links without nodes: routes are given to the network as they are.
class Links final : public Topology {
 public:
  Links(std::vector<double> bandwidth, unsigned longest) : bandwidth_(std::move(bandwidth)), longest_(longest) {}
  int nodes() const override { return 2; }
  std::uint32_t links() const override { return std::uint32_t(bandwidth_.size()); }
  LinkSpec link(LinkId id) const override { return {bandwidth_[id], Span{0}}; }
  Ends ends(LinkId) const override { return {0, 1}; }
  unsigned longest_route() const override { return longest_; }
  void route(int, int, std::uint64_t, std::vector<LinkId>& out) const override { out.clear(); }

 private:
  std::vector<double> bandwidth_;
  unsigned longest_;
};

struct Flow {
  std::vector<LinkId> route;
  double weight, left;  // bytes
  double rate = 0;      // bytes a second
  FlowId id = 0;
};

// All rates rise together, in proportion to the weights; a flow stops when a link of its is full.
void fill(const std::vector<double>& capacity, std::map<std::uint32_t, Flow>& flows) {
  std::size_t fixed = 0;
  for (auto& [key, flow] : flows) flow.rate = -1;
  while (fixed < flows.size()) {
    std::vector<long double> left(capacity.begin(), capacity.end()), weight(capacity.size());
    for (const auto& [key, flow] : flows)
      for (const LinkId l : flow.route) flow.rate >= 0 ? left[l] -= flow.rate : weight[l] += flow.weight;
    std::size_t full = capacity.size();
    const auto level = [&](std::size_t l) { return std::max(left[l], 0.0L) / weight[l]; };
    for (std::size_t l = 0; l < capacity.size(); ++l)
      if (weight[l] > 0 && (full == capacity.size() || level(l) < level(full))) full = l;
    for (auto& [key, flow] : flows)
      if (flow.rate < 0 && std::count(flow.route.begin(), flow.route.end(), full)) {
        flow.rate = double(flow.weight * level(full));
        ++fixed;
      }
  }
}

struct Churn {
  Random random;
  std::size_t links, longest;
  std::vector<double> capacity;
  Links topology;
  Engine engine{};
  Network network;
  std::map<std::uint32_t, Flow> flows{};  // by their number
  std::map<std::uint32_t, double> ended{};
  double sent = 0, cancelled = 0;
  double worst_rate = 0, worst_end = 0, worst_load = 0;
  bool equal;

  explicit Churn(unsigned seed)
      : random{std::mt19937(seed)},
        links(1 + random.below(12)),
        longest(1 + random.below(4)),
        capacity(capacities()),
        topology(capacity, unsigned(longest)),
        network(engine, topology),
        equal(seed % 3 == 0) {}
  std::vector<double> capacities() {
    std::vector<double> all(links);
    for (double& c : all) c = 1e9 * random.spread(2);
    return all;
  }
  static void note(void* self, std::uint32_t number) {
    Churn& churn = *static_cast<Churn*>(self);
    churn.ended[number] = to_seconds(churn.engine.now());
  }
  void send(std::uint32_t number) {
    std::vector<LinkId> route(links);
    for (LinkId l = 0; l < links; ++l) route[l] = l;
    std::shuffle(route.begin(), route.end(), random.bits);
    route.resize(std::min(links, 1 + random.below(longest)));
    const double weight = equal ? 1 : random.spread(2), bytes = 1e6 * (equal ? 1 : random.spread(1));
    flows[number] = {route, weight, bytes, 0, network.send(route, bytes, {this, &Churn::note, number}, weight)};
    sent += bytes;
  }
  // Brings the reference up to a time: from end to end, the rates in between as they are.
  void integrate(double now, double until) {
    while (!flows.empty()) {
      fill(capacity, flows);
      double first = until;
      for (const auto& [number, flow] : flows)
        if (flow.rate > 0) first = std::min(first, now + flow.left / flow.rate);
      for (auto& [number, flow] : flows) flow.left -= flow.rate * (first - now);
      now = first;
      bool any = false;
      for (auto at = flows.begin(); at != flows.end();) {
        if (at->second.left > 1e-3) {  // a tick's at 1 GB/s
          ++at;
          continue;
        }
        any = true;
        check_end(at->first, now);
        at = flows.erase(at);
      }
      if (!any) break;
    }
  }
  void check_end(std::uint32_t number, double now) {
    if (ended.contains(number)) worst_end = std::max(worst_end, std::abs(ended[number] - now));
    else late[number] = now;
  }
  std::map<std::uint32_t, double> late{};  // the reference was first
  void compare() {
    for (auto at = late.begin(); at != late.end();) {
      if (!ended.contains(at->first)) {
        ++at;
        continue;
      }
      worst_end = std::max(worst_end, std::abs(ended[at->first] - at->second));
      at = late.erase(at);
    }
    std::vector<double> load(links);
    for (auto& [number, flow] : flows) {
      if (ended.contains(number)) continue;
      const double rate = network.rate(flow.id);
      if (late.empty()) worst_rate = std::max(worst_rate, flow.rate > 0 ? std::abs(rate / flow.rate - 1) : rate);
      for (const LinkId l : flow.route) load[l] += rate;
    }
    for (std::size_t l = 0; l < links; ++l) worst_load = std::max(worst_load, load[l] - capacity[l] * (1 + 1e-9));
  }
  void run(int steps) {
    std::uint32_t number = 0;
    for (int step = 0; step < steps; ++step) {
      const double now = to_seconds(engine.now());
      const Time next = engine.now() + Span{std::int64_t(1 + random.below(1'000'000'000))};
      for (std::size_t n = random.below(3); n > 0; --n) send(number++);
      if (random.below(5) == 0 && !flows.empty()) {
        const auto victim = std::next(flows.begin(), std::ptrdiff_t(random.below(flows.size())));
        if (!ended.contains(victim->first)) {
          network.cancel(victim->second.id);
          cancelled += victim->second.left;
          flows.erase(victim);
        }
      }
      if (random.below(5) == 0) {
        const LinkId link = LinkId(random.below(links));
        capacity[link] = random.below(5) == 0 ? 0 : 1e9 * random.spread(2);
        network.set_link(link, {capacity[link], Span{0}});
      }
      engine.run(engine.now());  // the solve
      fill(capacity, flows);
      compare();
      engine.run(next);
      integrate(now, to_seconds(next));
    }
    for (LinkId l = 0; l < links; ++l) network.set_link(l, {capacity[l] = 1e9, Span{0}});
    const double now = to_seconds(engine.now());
    engine.run();
    integrate(now, INFINITY);
    compare();
  }
};

TEST(Churn, RatesLoadsBytesAndEndsAgreeWithBruteForce) {
  std::size_t ends = 0;
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    Churn churn(seed);
    churn.run(120);
    ends += churn.ended.size();
    EXPECT_LE(churn.worst_rate, 1e-9);
    EXPECT_LE(churn.worst_load, 0);
    EXPECT_LE(churn.worst_end,
              100e-12);  // half a tick for each end before it, and more where a slow flow waits for fast ones
    EXPECT_TRUE(churn.flows.empty());
    churn.network.settle();
    const Network::Totals& totals = churn.network.totals();
    EXPECT_NEAR(totals.sent, churn.sent, 1e-9 * churn.sent);
    EXPECT_NEAR(totals.received + totals.cancelled, churn.sent, 1e-9 * churn.sent);
    EXPECT_NEAR(totals.cancelled, churn.cancelled, 1e-6 * churn.sent);
    EXPECT_NEAR(totals.moved, totals.received, 1e-6 * churn.sent);
    EXPECT_EQ(totals.in_flight, 0);
    for (LinkId l = 0; l < churn.links; ++l) EXPECT_LE(churn.network.peak(l), 1 + 1e-9);
  }
  EXPECT_GE(ends, 10'000u);
}

}  // namespace
}  // namespace paceline
