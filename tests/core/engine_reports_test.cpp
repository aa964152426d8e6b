// The engine: the report of a deadlock, fingerprints, several engines in one process.
#include "sim/core/engine.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>

#include "sim/core/arrivals.hpp"
#include "sim/core/sync.hpp"
#include "tests/core/engine_world.hpp"

namespace paceline {
namespace {

using namespace std::chrono_literals;

// ---- deadlock

TEST(DeadlockReport, NamesTheStuckAndWhatTheyWaitFor) {
  Engine e;
  Arrivals inbox(e, "inbox of rank 3");
  Counter clock(e, 5, "clock");
  Mailbox<int> requests(e, "requests");
  auto ring = [](Arrivals& in) -> Task<> { co_await in.reach(4); };
  auto nested = [](auto body, Arrivals& in) -> Task<> { co_await body(in); };
  auto ssp = [](Counter& c) -> Task<> { co_await c.reaches(9); };
  auto server = [](Mailbox<int>& box) -> Task<> { co_await box.receive(); };
  e.spawn("worker 3", nested(ring, inbox));
  e.spawn("worker 4", ssp(clock));
  e.spawn("server", server(requests));
  e.spawn("daemon", server(requests), Engine::Kind::daemon);
  e.spawn("done", doze(e, Tracked{}));
  inbox.arrive();
  inbox.arrive();
  try {
    e.run();
    FAIL() << "no deadlock";
  } catch (const Deadlock& deadlock) {
    EXPECT_STREQ(deadlock.what(),
                 "deadlock at t = 0.001 s: nothing is left to happen, but 3 processes wait\n"
                 "  worker 3 waits for 'inbox of rank 3' to reach 4 (now 2)\n"
                 "  worker 4 waits for 'clock' to reach 9 (now 5)\n"
                 "  server waits for a message in 'requests'");
    ASSERT_EQ(deadlock.stuck.size(), 3u);
    EXPECT_EQ(deadlock.stuck[1].process, "worker 4");
    EXPECT_EQ(deadlock.stuck[1].waits_on, "'clock' to reach 9 (now 5)");
  }
}
TEST(DeadlockReport, SeesThroughGroupsOfTasks) {
  Engine e;
  Counter a(e, 0, "a"), b(e, 0, "b");
  auto waits = [](Counter& c) -> Task<> { co_await c.reaches(1); };
  auto p = [](auto body, Counter& x, Counter& y) -> Task<> {
    std::vector<Task<>> tasks;
    tasks.push_back(body(x));
    tasks.push_back(body(y));
    co_await all_of(std::move(tasks));
  };
  e.spawn("p", p(waits, a, b));
  try {
    e.run();
    FAIL() << "no deadlock";
  } catch (const Deadlock& deadlock) {
    const std::string& text = deadlock.stuck.at(0).waits_on;
    for (const char* part : {"'a' to reach 1 (now 0)", "'b' to reach 1 (now 0)"})
      EXPECT_NE(text.find(part), std::string::npos) << text;
  }
}
TEST(DeadlockReport, ShowsTwentyAndCountsTheRest) {
  Engine e;
  Counter never(e);
  auto waits = [](Counter& c) -> Task<> { co_await c.reaches(1); };
  for (int i = 0; i < 25; ++i) e.spawn("w" + std::to_string(i), waits(never));
  try {
    e.run();
    FAIL() << "no deadlock";
  } catch (const Deadlock& deadlock) {
    const std::string text = deadlock.what();
    EXPECT_NE(text.find("25 processes wait\n  w0 waits for 'a counter'"), std::string::npos) << text;
    EXPECT_NE(text.find("\n  w19 "), std::string::npos) << text;
    EXPECT_EQ(text.find("\n  w20 "), std::string::npos) << text;
    EXPECT_NE(text.find("\n  and 5 more"), std::string::npos) << text;
    EXPECT_EQ(deadlock.stuck.size(), 25u);
  }
}
TEST(DeadlockReport, SaysSoWhenItKnowsNoName) {
  Engine e;
  auto never = [](Engine& engine) -> Task<> { co_await engine.sleep(Span::max()); };
  e.spawn("p", never(e));
  try {
    e.run();
    FAIL() << "no deadlock";
  } catch (const Deadlock& deadlock) {
    EXPECT_EQ(deadlock.stuck.at(0).waits_on, "something that has no name, or a time that never comes");
  }
}
TEST(DeadlockReport, WaitingDaemonsAreFine) {
  Engine e;
  Mailbox<int> requests(e);
  auto server = [](Mailbox<int>& box) -> Task<> {
    for (;;) co_await box.receive();
  };
  e.spawn("server", server(requests), Engine::Kind::daemon);
  EXPECT_EQ(e.run(), Engine::Ended::idle);
}

// ---- fingerprints, several engines

// `garbage` bytes in front of everything move the addresses.
std::uint64_t fingerprint(Span moved, std::uint32_t fact, std::uint32_t key, std::size_t garbage) {
  Engine e;
  auto p = [](Engine& engine, Span span, std::uint32_t what, std::uint32_t turn, std::vector<char>) -> Task<> {
    for (int i = 0; i < 10; ++i) co_await engine.sleep(i == 5 ? span : Span{1ms});
    co_await engine.turn(turn);
    engine.mark(what);
  };
  e.spawn("p", p(e, moved, fact, key, std::vector<char>(garbage)));
  e.spawn("q", p(e, Span{1ms}, 1, 1, {}));
  e.run();
  return e.fingerprint();
}
TEST(Fingerprint, IsTheSameForTheSameEventsAndNoOther) {
  const auto reference = fingerprint(1ms, 1, 1, 10);
  EXPECT_EQ(fingerprint(1ms, 1, 1, 10'000), reference);
  EXPECT_NE(fingerprint(1ms + Span{1}, 1, 1, 10), reference);
  EXPECT_NE(fingerprint(1ms, 2, 1, 10), reference);
  EXPECT_NE(fingerprint(1ms, 1, 0, 10), reference);
}
TEST(Fingerprint, TellsCallsFromProcessesAndNumbersApart) {
  World a, b, c;
  a.schedule(Time{1ms}, 0);
  b.schedule(Time{1ms}, 1);
  c.engine.schedule(Time{1ms}, std::noop_coroutine());
  for (World* w : {&a, &b, &c}) w->engine.run();
  EXPECT_NE(a.engine.fingerprint(), b.engine.fingerprint());
  EXPECT_NE(a.engine.fingerprint(), c.engine.fingerprint());
}
TEST(Engines, RunInterleavedWithoutDisturbingEachOther) {
  const auto run = [](int steps) {
    auto one = std::make_unique<Engine>(), two = std::make_unique<Engine>();
    one->spawn("s", sleeper(*one, Tracked{}));
    two->spawn("s", sleeper(*two, Tracked{}));
    two->spawn("t", sleeper(*two, Tracked{}));
    for (int i = 1; i <= steps; ++i) {
      one->run(Time{100ms * i / steps});
      two->run(Time{100ms * i / steps});
    }
    return std::array{one->fingerprint(), two->fingerprint(), one->events(), two->events()};
  };
  EXPECT_EQ(run(1), run(50));
  EXPECT_EQ(run(1)[2], 101u);
  EXPECT_EQ(Tracked::alive, 0);
}
TEST(Engines, MayDieBeforeWhatWasWaitedOn) {
  auto engine = std::make_unique<Engine>();
  const auto counter = std::make_unique<Counter>(*engine);
  const auto arrivals = std::make_unique<Arrivals>(*engine);
  auto waiter = [](Counter& c) -> Task<> { co_await c.reaches(1); };
  engine->spawn("w", waiter(*counter), Engine::Kind::daemon);
  engine->run();
  engine.reset();
  EXPECT_EQ(counter->value(), 0);
}

}  // namespace
}  // namespace paceline
