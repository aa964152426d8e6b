// The network: what a transfer costs, who shares with whom, and that no byte is lost.
#include "sim/cluster/network.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "sim/core/sync.hpp"

namespace paceline {
namespace {

using namespace std::chrono_literals;

// Links in a row, link i from node i to node i + 1; a route between nodes is the links between them.
class Row final : public Topology {
 public:
  explicit Row(std::vector<LinkSpec> links) : links_(std::move(links)) {}
  int nodes() const override { return int(links_.size()) + 1; }
  std::uint32_t links() const override { return std::uint32_t(links_.size()); }
  LinkSpec link(LinkId link) const override { return links_[link]; }
  Ends ends(LinkId link) const override { return {int(link), int(link) + 1}; }
  unsigned longest_route() const override { return links(); }
  void route(int from, int to, std::uint64_t, std::vector<LinkId>& out) const override {
    out.clear();
    for (int i = from; i < to; ++i) out.push_back(LinkId(i));
  }

 private:
  std::vector<LinkSpec> links_;
};

struct World : testing::Test {  // two links: 1 GB/s and 5 us, 4 GB/s and 2 us
  const Row row{{{1e9, 5us}, {4e9, 2us}}};
  Engine engine;
  Network network{engine, row};
  std::vector<Time> arrived = std::vector<Time>(10);

  std::vector<LinkId> route(int from, int to) const {
    std::vector<LinkId> out;
    row.route(from, to, 0, out);
    return out;
  }
  Task<> transfer(int from, int to, double bytes, Time& at, Span wait = Span{0}, double weight = 1) {
    co_await engine.sleep(wait);
    const auto links = route(from, to);
    co_await network.transfer(links, bytes, weight);
    at = engine.now();
  }
  Engine::Id send(std::size_t number, int from, int to, double bytes, Span wait = Span{0}, double weight = 1) {
    return engine.spawn("transfer " + std::to_string(number), transfer(from, to, bytes, arrived[number], wait, weight));
  }
  void expect_conserved() {
    network.settle();
    const auto& t = network.totals();
    EXPECT_NEAR(t.sent, t.received + t.cancelled + t.in_flight, 1e-9 * t.sent);
    EXPECT_NEAR(t.moved, t.received, 1e-9 * t.sent + 0.01 * double(network.statistics().placed));
    for (LinkId link = 0; link < row.links(); ++link) EXPECT_LE(network.peak(link), 1 + 1e-12);
  }
};

TEST_F(World, ATransferTakesLatencyAndBytesOverTheSlowestLink) {
  send(0, 0, 2, 1e6);
  engine.run();
  EXPECT_EQ(arrived[0], Time{7us + 1ms});
  expect_conserved();
}
TEST_F(World, ZeroBytesTakeExactlyTheLatency) {
  send(0, 0, 2, 0);
  engine.run();
  EXPECT_EQ(arrived[0], Time{7us});
  EXPECT_EQ(network.statistics().solves, 0u);
}
TEST_F(World, AnEmptyRouteArrivesInThisInstantByAnEvent) {
  std::string log;
  struct Note {
    static void call(void* text, std::uint32_t what) { *static_cast<std::string*>(text) += std::to_string(what); }
  };
  engine.schedule(Time{}, &log, &Note::call, 1);
  network.send({}, 1e9, {&log, &Note::call, 2});
  engine.schedule(Time{}, &log, &Note::call, 3);
  EXPECT_EQ(log, "");
  engine.run();
  EXPECT_EQ(log, "123");
  EXPECT_EQ(engine.now(), Time{});
  expect_conserved();
}
TEST_F(World, TheSmallestMessageTakesATick) {
  send(0, 0, 2, 1e-9);
  engine.run();
  EXPECT_EQ(arrived[0], Time{7us + Span{1}});
}
TEST_F(World, TwoFlowsOnALinkHalveIt) {
  send(0, 0, 1, 1e6);
  send(1, 0, 1, 1e6);
  engine.run();
  EXPECT_EQ(arrived[0], Time{5us + 2ms});
  EXPECT_EQ(arrived[1], Time{5us + 2ms});
  EXPECT_DOUBLE_EQ(network.peak(0), 1);
  EXPECT_DOUBLE_EQ(network.peak(1), 0);
}
TEST_F(World, StaggeredFlowsFollowTheHandComputedShares) {
  // A alone from 5 us, 1 MB at 1 GB/s; B joins at 405 us (A has 0.6 MB left): both at 0.5 GB/s.
  // B (0.2 MB) ends at 805 us; A has 0.4 MB left, alone again: ends at 1,205 us.
  send(0, 0, 1, 1e6);
  send(1, 0, 1, 2e5, 400us);
  engine.run();
  EXPECT_EQ(arrived[1], Time{805us});
  EXPECT_EQ(arrived[0], Time{1205us});
  expect_conserved();
}
TEST_F(World, WeightsShareInProportion) {
  send(0, 0, 1, 1e6, Span{0}, 3);  // 0.75 GB/s
  send(1, 0, 1, 1e6, Span{0}, 1);  // 0.25 GB/s, then alone: 2/3 MB left at 4/3 ms
  engine.run();
  EXPECT_EQ(arrived[0], Time{5us + span_of(1e6 / 0.75e9)});
  EXPECT_NEAR(to_seconds(arrived[1]), 5e-6 + 2e-3, 2e-12);
}
TEST_F(World, ADeliveryIsCalledWithItsNumberAndArrivalsAreCounted) {
  Arrivals arrivals(engine);
  std::uint32_t number = 0;
  network.send(route(0, 1), 1, arrivals);
  network.send(route(0, 1), 1,
               {&number, [](void* to, std::uint32_t what) { *static_cast<std::uint32_t*>(to) = what; }, 77});
  engine.run();
  EXPECT_EQ(arrivals.count(), 1u);
  EXPECT_EQ(number, 77u);
  EXPECT_EQ(network.statistics().transfers, 2u);
}
TEST_F(World, CancellingAFlowGivesItsShareToTheOthersAtOnce) {
  const auto victim = send(0, 0, 1, 1e6);
  send(1, 0, 1, 1e6);
  auto killer = [](Engine& e, Engine::Id id) -> Task<> {
    co_await e.sleep(5us + 400us);
    e.cancel(id);
  };
  engine.spawn("killer", killer(engine, victim));
  engine.run();
  EXPECT_EQ(arrived[0], Time{});
  EXPECT_EQ(arrived[1], Time{5us + 400us + 800us});  // 0.2 MB at half rate, then 0.8 MB at the whole
  expect_conserved();
  EXPECT_NEAR(network.totals().cancelled, 0.8e6, 1);
  EXPECT_NEAR(network.carried(0), 1.2e6, 1);
}
TEST_F(World, AFlowMayBeCancelledBeforeItsBytesFlow) {
  Arrivals arrivals(engine);
  const FlowId flow = network.send(route(0, 2), 1e6, arrivals);
  EXPECT_FALSE(network.is_flowing(flow));
  network.cancel(flow);
  engine.run();
  EXPECT_EQ(engine.events(), 0u);
  EXPECT_EQ(network.totals().cancelled, 1e6);
  expect_conserved();
}
TEST_F(World, WhatIsUnderWayIsSettledAtTheStop) {
  send(0, 0, 2, 1e6);
  send(1, 0, 1, 1e6, 2ms);
  engine.run(Time{5us + 2us + 250us});
  network.settle();
  EXPECT_NEAR(network.carried(0), 0.25e6, 1e-3);
  EXPECT_NEAR(network.carried(1), 0.25e6, 1e-3);
  EXPECT_NEAR(network.totals().in_flight, 0.75e6, 1e-3);
  expect_conserved();
  engine.run();
  EXPECT_EQ(arrived[0], Time{7us + 1ms});  // settling disturbs nothing
  EXPECT_NEAR(network.carried(0), 2e6, 1e-3);
  EXPECT_NEAR(network.carried(1), 1e6, 1e-3);
  expect_conserved();
}
TEST_F(World, ALinkThatSlowsDownMovesTheFinish) {
  send(0, 0, 1, 1e6);
  auto slow = [](Engine& e, Network& n) -> Task<> {
    co_await e.sleep(5us + 500us);
    n.set_link(0, {0.25e9, 5us});
  };
  engine.spawn("slow", slow(engine, network));
  engine.run();
  EXPECT_EQ(arrived[0], Time{5us + 500us + 2ms});
  EXPECT_DOUBLE_EQ(network.link(0).bandwidth, 0.25e9);
}
TEST_F(World, AFlowWaitsOnALinkThatIsDownAndGoesOnWhenItIsUp) {
  send(0, 0, 1, 1e6);
  auto flap = [](Engine& e, Network& n) -> Task<> {
    co_await e.sleep(5us + 500us);
    n.set_link(0, {0, 5us});
    co_await e.sleep(3ms);
    n.set_link(0, {1e9, 5us});
  };
  engine.spawn("flap", flap(engine, network));
  engine.run();
  EXPECT_EQ(arrived[0], Time{5us + 4ms});
  expect_conserved();
}
TEST_F(World, ATransferHeldUpForEverIsReportedWithItsLink) {
  network.set_link(1, {0, 2us});
  send(0, 0, 2, 1e6);
  try {
    engine.run();
    FAIL() << "no deadlock";
  } catch (const Deadlock& deadlock) {
    EXPECT_EQ(deadlock.stuck.at(0).waits_on, "a transfer of 1e+06 bytes, which is held up at n1 -> n2");
  }
}
TEST_F(World, NonsenseIsRefused) {
  Arrivals arrivals(engine);
  EXPECT_THROW(network.send(route(0, 1), -1, arrivals), std::logic_error);
  EXPECT_THROW(network.send(route(0, 1), std::nan(""), arrivals), std::logic_error);
  EXPECT_THROW(network.send(route(0, 1), 1, arrivals, 0), std::logic_error);
  EXPECT_THROW(network.send(std::vector<LinkId>(3), 1, arrivals), std::logic_error);
  EXPECT_EQ(network.totals().sent, 0);
}
TEST_F(World, RatesAreSolvedOnceAnInstant) {
  for (std::size_t i = 0; i < 10; ++i) send(i, 0, 1, 1e6);
  engine.run();
  EXPECT_EQ(network.statistics().solves, 2u);  // the start and the end
  EXPECT_EQ(network.statistics().placed, 10u);
  EXPECT_EQ(network.statistics().leveled, 1u);
  EXPECT_EQ(arrived[9], Time{5us + 10ms});
}
TEST_F(World, TheNetworkMayDieWithFlowsUnderWay) {
  auto own = std::make_unique<Network>(engine, row);
  const auto links = route(0, 1);
  auto p = [](Network& n, const std::vector<LinkId>& r) -> Task<> { co_await n.transfer(r, 1e6); };
  engine.spawn("p", p(*own, links), Engine::Kind::daemon);
  Arrivals arrivals(engine);
  own->send(links, 1e6, arrivals);
  engine.run(Time{100us});
  engine.stop();  // processes first
  own.reset();
  EXPECT_EQ(engine.run(), Engine::Ended::idle);
}

// Random traffic in a row: every byte is sent, received, cancelled or under way.
TEST(Network, ConservesBytesUnderRandomTraffic) {
  std::mt19937 random(7);
  const auto uniform = [&] { return (double(random()) + 0.5) * 0x1p-32; };
  std::vector<LinkSpec> links;
  for (int i = 0; i < 6; ++i) links.push_back({1e9 * (1 + uniform()), Span{std::int64_t(uniform() * 5e6)}});
  const Row row(links);
  Engine engine;
  Network network(engine, row);
  Arrivals arrivals(engine);
  std::vector<LinkId> route;
  std::uint64_t cancelled = 0, sent = 0;
  double hop_bytes = 0;
  for (int step = 0; step < 3000; ++step) {
    engine.run(Time{step * 10us});
    const int from = int(random() % 6), to = from + 1 + int(random() % unsigned(6 - from));
    row.route(from, to, 0, route);
    const double bytes = -std::log(uniform()) * 2e4;
    const FlowId flow = network.send(route, bytes, arrivals, 0.5 + uniform());
    ++sent;
    if (random() % 8 == 0) {
      network.cancel(flow);
      ++cancelled;
    } else {
      hop_bytes += bytes * double(route.size());
    }
    if (step % 500 == 0) network.settle();
  }
  engine.run();
  network.settle();
  const auto& t = network.totals();
  EXPECT_EQ(arrivals.count() + cancelled, sent);
  EXPECT_EQ(t.in_flight, 0);
  EXPECT_NEAR(t.sent, t.received + t.cancelled, 1e-9 * t.sent);
  EXPECT_NEAR(t.moved, t.received, 1e-6 * t.sent);
  double carried = 0;
  for (LinkId link = 0; link < row.links(); ++link) {
    carried += network.carried(link);
    EXPECT_LE(network.peak(link), 1 + 1e-9);
  }
  EXPECT_NEAR(carried, hop_bytes, 1e-9 * hop_bytes);
}

// A ring all-reduce takes 2 (N - 1) (alpha + S / N / B), exactly, whatever N.
TEST(Network, ARingTakesItsClosedForm) {
  for (const int ranks : {2, 5, 16}) {
    const Row row(std::vector<LinkSpec>(std::size_t(ranks), {12.5e9, 5us}));  // link i: rank i to its right neighbour
    Engine engine;
    Network network(engine, row);
    std::vector<std::unique_ptr<Arrivals>> inbox;
    for (int i = 0; i < ranks; ++i) inbox.push_back(std::make_unique<Arrivals>(engine));
    auto member = [](Network& n, int me, int all, double bytes, Arrivals& in, Arrivals& right) -> Task<> {
      const std::vector<LinkId> route{LinkId(me)};
      for (int step = 1; step <= 2 * (all - 1); ++step) {
        n.send(route, bytes, right);
        co_await in.reach(std::uint64_t(step));
      }
    };
    const double chunk = 1e6;  // 80 us
    for (int i = 0; i < ranks; ++i)
      engine.spawn("rank",
                   member(network, i, ranks, chunk, *inbox[std::size_t(i)], *inbox[std::size_t((i + 1) % ranks)]));
    engine.run();
    EXPECT_EQ(engine.now(), Time{2 * (ranks - 1) * Span{85us}});
  }
}

}  // namespace
}  // namespace paceline
