// What does not go as on paper: the protocol's cost, flows that do not share exactly, links that fail, traffic of
// others; and what is recorded of links.
#include <gtest/gtest.h>

#include <cmath>
#include <deque>

#include "sim/cluster/background/background.hpp"
#include "sim/cluster/link_events/link_event.hpp"
#include "sim/cluster/link_names.hpp"

namespace paceline {
namespace {

using namespace std::chrono_literals;

// a -> x -> b and a -> y -> b; even flows go by x. Links: a -> x, x -> b, a -> y, y -> b.
class Diamond final : public Topology {
 public:
  explicit Diamond(LinkSpec spec = {1e9, 5us}) : spec_(spec) {}
  int nodes() const override { return 2; }
  std::uint32_t links() const override { return 5; }
  LinkSpec link(LinkId) const override { return spec_; }
  int vertices() const override { return 4; }
  std::string vertex_name(int vertex) const override {
    return std::vector<std::string>{"a", "b", "x", "y"}[std::size_t(vertex)];
  }
  Ends ends(LinkId id) const override { return std::vector<Ends>{{0, 2}, {2, 1}, {0, 3}, {3, 1}, {1, 0}}[id]; }
  unsigned longest_route() const override { return 2; }
  void route(int from, int to, std::uint64_t flow, std::vector<LinkId>& out) const override {
    out.clear();
    if (from == 1 && to == 0) out = {4};
    else if (from == 0 && to == 1) out = flow % 2 == 0 ? std::vector<LinkId>{0, 1} : std::vector<LinkId>{2, 3};
  }

 private:
  LinkSpec spec_;
};

struct Note {
  Engine& engine;
  std::vector<Time> at = std::vector<Time>(100);
  static void call(void* self, std::uint32_t what) {
    Note& note = *static_cast<Note*>(self);
    note.at[what] = note.engine.now();
  }
  Network::Delivery operator()(std::uint32_t what) { return {this, &Note::call, what}; }
};

const std::vector<LinkId> by_x{0, 1}, by_y{2, 3}, back{4};

TEST(ProtocolCost, IsChargedPerMessageAndPerByte) {
  const Diamond diamond({1e9, 5us, 0.8, 3us});
  Engine engine;
  Network network(engine, diamond, {.per_message_overhead = 10us, .bandwidth_efficiency = 0.5});
  Note note{engine};
  EXPECT_DOUBLE_EQ(network.capacity(0), 0.4e9);
  EXPECT_DOUBLE_EQ(network.link(0).bandwidth, 1e9);
  network.send(by_x, 4e5, note(0));
  network.send(by_y, 4e5, note(1), 1, 1s);  // its latency is past; overheads do not overlap
  network.send(back, 0, note(2));
  network.send({}, 1e6, note(3));
  engine.run();
  EXPECT_EQ(note.at[0], Time{10us + 16us + 1ms});
  EXPECT_EQ(note.at[1], Time{16us + 1ms});
  EXPECT_EQ(note.at[2], Time{5us + 13us});
  EXPECT_EQ(note.at[3], Time{});
  network.settle();
  EXPECT_NEAR(network.carried(0) / network.offered(0), 1e-3 / 1.026e-3, 1e-9);
}

TEST(SharingNoise, IsALognormalWeightByTheFlowsOrdinal) {
  const Diamond diamond({1e9, 0us});
  Engine engine;
  Network network(engine, diamond, {.sharing_noise = 0.5, .sharing_interval = 1ms, .seed = 7});
  const auto weight = [](std::uint64_t flow, std::uint64_t draw) {
    return std::exp(0.5 * normal_quantile(Stream(7, "sharing", flow).uniform(draw)));
  };
  Note note{engine};
  const FlowId a = network.send(by_x, 1e9, note(0)), b = network.send(by_x, 1e9, note(1), 3);
  engine.run(Time{1us});
  EXPECT_NEAR(network.rate(a) / network.rate(b), weight(0, 0) / (3 * weight(1, 0)), 1e-12);
  EXPECT_NEAR(network.rate(a) + network.rate(b), 1e9, 1e-3);
  for (int draw = 1; draw < 5; ++draw) {
    engine.run(Time{draw * 1ms});
    EXPECT_NEAR(network.rate(a) / network.rate(b),
                weight(0, std::uint64_t(draw)) / (3 * weight(1, std::uint64_t(draw))), 1e-12);
  }
  engine.run();
  EXPECT_NEAR(to_seconds(std::max(note.at[0], note.at[1])), 2, 1e-9);  // the link was never idle
  EXPECT_NEAR(to_seconds(engine.now()), 2, 2e-3);
}
TEST(SharingNoise, HasTheDistributionThatItSays) {
  double sum = 0, squares = 0;
  const int flows = 20'000;
  for (int flow = 0; flow < flows; ++flow) {
    const double z = normal_quantile(Stream(1, "sharing", std::uint64_t(flow)).uniform(0));
    sum += z;
    squares += z * z;
  }
  EXPECT_NEAR(sum / flows, 0, 4 / std::sqrt(flows));
  EXPECT_NEAR(squares / flows, 1, 4 * std::sqrt(2.0 / flows));
}

TEST(LinkNames, AreMatchedByGlobsAndDirections) {
  const Diamond diamond;
  EXPECT_EQ(links_named(diamond, "a -> x"), (std::vector<LinkId>{0}));
  EXPECT_EQ(links_named(diamond, "a -> *"), (std::vector<LinkId>{0, 2}));
  EXPECT_EQ(links_named(diamond, "*b"), (std::vector<LinkId>{1, 3}));
  EXPECT_EQ(links_named(diamond, "a <-> *"), (std::vector<LinkId>{0, 2, 4}));
  EXPECT_EQ(links_named(diamond, "*").size(), 5u);
  EXPECT_TRUE(links_named(diamond, "a->x").empty());
  EXPECT_EQ(nearest_link(diamond, "a -> xx"), "; did you mean \"a -> x\"?");
}

struct Disturbed : testing::Test {
  const Diamond diamond;
  Engine engine;
  Network network{engine, diamond};
  LinkStates states{network};
  Note note{engine};
  void happen(const std::string& object) {
    Node node = parse_document(object, "event.json");
    Reader::Context context;
    Reader in(node, "", context);
    in.ignore("kind", "text", "");
    events.push_back(link_events::all().read(in, *node.find("kind")));
    for (const LinkId link : links_named(diamond, events.back().pattern))
      engine.spawn("event", events.back().run({engine, states, link, events.size() - 1, Stream(1, "e", link)}),
                   Engine::Kind::daemon);
  }
  std::deque<LinkEventMaker> events{};
};

TEST_F(Disturbed, AFlowOnALinkThatFailsGoesAnotherWayWithWhatIsLeft) {
  happen(R"({"kind": "down", "link": "x -> b", "at": "510us"})");
  network.send(by_x, 1e6, note(0));  // 0.5 MB by x; then shares a -> y
  network.send(by_y, 1e6, note(1));  // 0.5 MB alone, 0.5 MB at half the rate
  engine.run();
  EXPECT_EQ(note.at[0], Time{510us + 1ms});
  EXPECT_EQ(note.at[1], Time{510us + 1ms});
  EXPECT_EQ(network.statistics().rerouted, 1u);
  EXPECT_EQ(network.statistics().held, 0u);
  network.settle();
  EXPECT_NEAR(network.carried(0), 5e5, 1);
  EXPECT_NEAR(network.carried(2), 1.5e6, 1);
  EXPECT_NEAR(network.totals().received, 2e6, 1e-3);
  network.send(by_x, 1e6, note(2));  // what is sent now knows the other way from the first
  engine.run();
  EXPECT_EQ(note.at[2], Time{510us + 1ms + 10us + 1ms});
  EXPECT_EQ(network.statistics().rerouted, 2u);
}
TEST_F(Disturbed, WithoutAnotherWayAFlowWaits) {
  happen(R"({"kind": "down", "link": "b -> a", "at": "500us", "duration": "2ms"})");
  network.send(back, 1e6, note(0));
  auto wait = [](Engine& e) -> Task<> { co_await e.sleep(10ms); };
  engine.spawn("worker", wait(engine));
  engine.run();
  EXPECT_EQ(note.at[0], Time{5us + 3ms});
  EXPECT_EQ(network.statistics().held, 1u);
  EXPECT_EQ(network.statistics().rerouted, 0u);
}
TEST_F(Disturbed, WhatHappensToALinkMultipliesAndIsUndone) {
  happen(R"({"kind": "degrade", "link": "b -> a", "at": "1ms", "factor": 0.5, "latency": "1ms"})");
  happen(R"({"kind": "degrade", "link": "b -> a", "at": "2ms", "factor": 0.5, "duration": "3ms"})");
  happen(R"({"kind": "down", "link": "b -> a", "at": "3ms"})");
  happen(R"({"kind": "up", "link": "b -> a", "at": "4ms"})");
  happen(R"({"kind": "restore", "link": "b -> a", "at": "7ms"})");
  const std::vector<double> gbps{1, 0.5, 0.25, 0, 0.25, 0.5, 0.5, 1};
  for (std::size_t ms = 0; ms < gbps.size(); ++ms) {
    engine.run(Time{Span{std::int64_t(ms) * 1'000'000'000 + 1}});
    EXPECT_DOUBLE_EQ(network.link(4).bandwidth, gbps[ms] * 1e9) << ms;
    EXPECT_EQ(network.link(4).latency, ms > 0 && ms < 7 ? Span{1ms} : Span{5us}) << ms;
  }
}
TEST_F(Disturbed, ARandomLinkIsDownForItsShareOfTheTime) {
  happen(R"({"kind": "random", "links": "b -> a", "mean_time_between": "30ms", "mean_duration": "10ms"})");
  auto wait = [](Engine& e) -> Task<> { co_await e.sleep(100s); };
  engine.spawn("worker", wait(engine));
  engine.run();
  // 2,500 cycles; the share down is 1/4; the standard deviation of its estimate is about 0.75 * 0.25 sqrt(2 / 2,500).
  EXPECT_NEAR(network.offered(4) / (1e9 * 100), 0.75, 4 * 0.0053);
}
TEST_F(Disturbed, AWorkerBehindADeadLinkForEverIsReportedWithIt) {
  happen(R"({"kind": "down", "link": "b -> a", "at": "500us"})");
  happen(R"({"kind": "random", "links": "a -> x", "mean_time_between": "1ms", "mean_duration": "1ms", "factor": 0.5})");
  Arrivals arrivals(engine, "the inbox");
  network.send(back, 1e6, arrivals);
  auto worker = [](Arrivals& a) -> Task<> { co_await a.reach(1); };
  engine.spawn("worker 0", worker(arrivals));
  try {
    engine.run();
    FAIL() << "no deadlock";
  } catch (const Deadlock& deadlock) {
    EXPECT_NE(std::string(deadlock.what()).find("the link b -> a is down, and a transfer waits for it"),
              std::string::npos)
        << deadlock.what();
  }
}

TEST_F(Disturbed, LinksKnowHowLongTheyWereBusyAndWithHowManyFlows) {
  network.send(back, 1e6, note(0));              // 5 us … 1,805 us: 1 ms of bytes, beside 0.4 MB from 405 us on
  network.send(back, 4e5, note(1), 1, Span{0});  // both from 5 us: 0.4 MB each by 805 us, then alone to 1,405 us
  engine.run(Time{3ms});
  network.settle();
  EXPECT_EQ(note.at[1], Time{805us});
  EXPECT_EQ(note.at[0], Time{1405us});
  EXPECT_EQ(network.busy(4), Span{1400us});
  EXPECT_NEAR(network.mean_flows(4), (1400 + 800) / 1400.0, 1e-9);
  EXPECT_EQ(network.busy(0), Span{0});
  EXPECT_EQ(network.mean_flows(0), 0);
  EXPECT_NEAR(network.offered(4), 1.405e6, 1e-3);
}

TEST_F(Disturbed, PoissonTrafficLoadsTheLinksAsItSaysAndIsCountedOnItsOwn) {
  Node node = parse_document(
      R"({"kind": "poisson", "load": "4Gbps", "size": "100kB", "size_factor": {"kind": "exponential"}, "from": [1], "to": [0]})",
      "traffic.json");
  Reader::Context context;
  Reader in(node, "", context);
  in.ignore("kind", "text", "");
  const BackgroundMaker maker = backgrounds::all().read(in, *node.find("kind"));
  engine.spawn("background", maker.run({engine, network, 3, 0}), Engine::Kind::daemon);
  auto wait = [](Engine& e) -> Task<> { co_await e.sleep(10s); };
  engine.spawn("worker", wait(engine));
  EXPECT_EQ(engine.run(), Engine::Ended::idle);
  EXPECT_EQ(engine.now(), Time{10s});  // it alone does not go on
  network.settle();
  EXPECT_EQ(network.totals().sent, 0);
  // 50,000 flows of random size: the sum's relative standard deviation is sqrt(2 / 50,000).
  EXPECT_NEAR(network.background().sent, 0.5e9 * 10, 4 * 0.0064 * 5e9);
  EXPECT_NEAR(network.carried(4), network.background().received, 1);
  // A processor-sharing queue: the mean number of flows is rho / (1 - rho), busy or not; rho = 0.5: 1, so 2 while busy.
  EXPECT_NEAR(network.mean_flows(4), 2, 0.15);
  EXPECT_NEAR(to_seconds(network.busy(4)), 5, 4 * 0.0064 * 5);
}

TEST(IdleEvents, NeitherKeepARunAliveNorHideThatItIsStuck) {
  Engine engine;
  auto clock = [](Engine& e) -> Task<> {
    for (;;) co_await e.idle_sleep(1s);
  };
  auto finite = [](Engine& e) -> Task<> { co_await e.sleep(10s); };
  engine.spawn("clock", clock(engine), Engine::Kind::daemon);
  engine.spawn("worker", finite(engine));
  EXPECT_EQ(engine.run(), Engine::Ended::idle);
  EXPECT_EQ(engine.now(), Time{10s});
  Arrivals never(engine, "what never comes");
  auto stuck = [](Arrivals& a) -> Task<> { co_await a.reach(1); };
  engine.spawn("worker", stuck(never));
  EXPECT_THROW(engine.run(), Deadlock);
}

}  // namespace
}  // namespace paceline
