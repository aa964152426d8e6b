// The engine: the order of an instant, ends, failures, cancelling, limits.
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

// ---- the order of an instant

TEST(Instant, EventsComeFirstThenTurnsThenTheEndThenWhatComesAfter) {
  World w;
  w.after(40);
  w.end(30);
  w.turn(0, 20);
  w.schedule(Time{}, 10);
  w.schedule(Time{1ns}, 50);
  w.engine.run();
  EXPECT_EQ(w.log, "10 20 30 40 50 ");
}
TEST(Instant, TurnsAreTakenByKeyThenByOrderOfDeferral) {
  World w;
  w.turn(7, 1);
  w.turn(3, 2);
  w.turn(7, 3);
  w.turn(0, 4);
  w.turn(3, 5);
  w.engine.run();
  EXPECT_EQ(w.log, "4 2 5 1 3 ");
}
TEST(Instant, EventsThatATurnSchedulesComeBeforeTheNextBatchOfTurns) {
  World w;
  w.on_call = [&](std::uint32_t what) {
    if (what != 1) return;
    w.turn(0, 9);
    w.schedule(w.engine.now(), 5);
  };
  w.turn(1, 1);
  w.turn(2, 2);
  w.engine.run();
  EXPECT_EQ(w.log, "1 2 5 9 ");
}
TEST(Instant, WhatTheEndSchedulesGoesOnWithPhaseOne) {
  World w;
  w.on_call = [&](std::uint32_t what) {
    if (what == 30) {
      w.schedule(w.engine.now(), 11);
      w.turn(0, 21);
    }
    if (what == 11) w.end(31);
    if (what == 40) w.schedule(w.engine.now(), 12);
  };
  w.end(30);
  w.after(40);
  w.after(41);
  w.engine.run();
  EXPECT_EQ(w.log, "30 11 21 31 40 12 41 ");
  EXPECT_EQ(w.engine.now(), Time{});
}
TEST(Instant, ACoroutineTakesItsTurnAmongCallbacks) {
  World w;
  auto worker = [](World& world, std::uint32_t key) -> Task<> {
    co_await world.engine.turn(key);
    world.log += 'w' + std::to_string(key) + ' ';
    co_await world.engine.turn(key);
    world.log += 'v' + std::to_string(key) + ' ';
  };
  for (const std::uint32_t key : {4u, 2u}) w.engine.spawn("w", worker(w, key));
  w.turn(3, 3);
  w.engine.run();
  EXPECT_EQ(w.log, "w2 3 w4 v2 v4 ");
}
TEST(Instant, ADestroyedTurnIsWithdrawn) {
  World w;
  auto worker = [](World& world, std::uint32_t key) -> Task<> {
    co_await world.engine.turn(key);
    world.log += 'w' + std::to_string(key) + ' ';
  };
  const auto later_one = w.engine.spawn("9", worker(w, 9));
  const auto early_one = w.engine.spawn("1", worker(w, 1));
  w.on_call = [&](std::uint32_t what) { w.engine.cancel(what == 100 ? early_one : later_one); };
  w.schedule(Time{}, 100);  // in phase 1, when both wait
  w.turn(5, 200);           // in the batch itself
  w.engine.run();
  EXPECT_EQ(w.log, "100 200 ");
  EXPECT_EQ(w.engine.alive(), 0u);
}
TEST(Instant, SleepingForNothingWaitsForWhatIsScheduledAlready) {
  World w;
  auto p = [](World& world) -> Task<> {
    world.schedule(world.engine.now(), 1);
    co_await world.engine.sleep(Span{0});
    world.log += "slept ";
  };
  w.engine.spawn("p", p(w));
  w.engine.run();
  EXPECT_EQ(w.log, "1 slept ");
}

// ---- ends

TEST(Run, StopsAtTheDeadlineAndGoesOnFromThere) {
  World w;
  w.schedule(Time{1ms}, 1);
  w.schedule(Time{3ms}, 3);
  EXPECT_EQ(w.engine.run(Time{2ms}), Engine::Ended::deadline);
  EXPECT_EQ(w.engine.now(), Time{2ms});
  w.schedule(Time{2ms}, 2);
  EXPECT_EQ(w.engine.run(), Engine::Ended::idle);
  EXPECT_EQ(w.log, "1 2 3 ");
  EXPECT_EQ(w.engine.now(), Time{3ms});
}
TEST(Run, AStopLetsTheInstantFinish) {
  World w;
  w.on_call = [&](std::uint32_t what) {
    if (what == 40) w.engine.request_stop();
  };
  w.after(40);
  w.after(41);
  w.schedule(Time{Span{1}}, 50);
  EXPECT_EQ(w.engine.run(), Engine::Ended::stopped);
  EXPECT_EQ(w.log, "40 41 ");
  EXPECT_EQ(w.engine.run(), Engine::Ended::idle);
  EXPECT_EQ(w.log, "40 41 50 ");
}
TEST(Run, StoppingFromInsideIsAnError) {
  Engine e;
  auto p = [](Engine& engine) -> Task<> {
    engine.stop();
    co_return;
  };
  e.spawn("p", p(e));
  try {
    e.run();
    FAIL() << "no error";
  } catch (const ProcessFailed& failed) {
    EXPECT_NE(describe(failed).find("not from inside a run"), std::string::npos);
  }
}
Task<> sleep_past_the_clock(Engine& e, bool& woken) {
  co_await e.sleep(span_of(100 * 86400.0));
  co_await e.idle_sleep(span_of(100 * 86400.0));
  woken = true;
}
TEST(Run, AnIdleSleepToBeyondTheClockIsForEver) {
  Engine e;
  bool woken = false;
  e.spawn("s", sleep_past_the_clock(e, woken), Engine::Kind::daemon);
  EXPECT_EQ(e.run(), Engine::Ended::idle);
  EXPECT_EQ(to_seconds(e.now()), 100 * 86400.0);
  EXPECT_FALSE(woken);
  e.stop();
}
TEST(Run, MoreEventsThanTheLimitAreRefused) {
  Engine e;
  e.limit_events(10);
  e.spawn("s", sleeper(e, Tracked{}));
  try {
    e.run();
    FAIL() << "no error";
  } catch (const LimitReached& limit) { EXPECT_STREQ(limit.what(), "more than 10 events by t = 0.01 s"); }
}
TEST(Run, ExactlyTheLimitIsAllowed) {
  Engine e;
  e.limit_events(2);
  e.spawn("s", doze(e, Tracked{}));
  EXPECT_EQ(e.run(), Engine::Ended::idle);
  EXPECT_EQ(e.events(), 2u);
}
TEST(Run, AnInterruptIsPolledAndMayThrow) {
  struct Enough {};
  Engine e;
  int polls = 0;
  e.set_interrupt(
      [&] {
        if (++polls == 3) throw Enough{};
      },
      100);
  e.spawn("s", sleeper(e, Tracked{}));
  EXPECT_THROW(e.run(), Enough);
  EXPECT_EQ(e.events(), 300u);
  e.stop();
  EXPECT_EQ(Tracked::alive, 0);
}

// ---- failures

TEST(Failure, LeavesTheRunWithNameTimeAndCause) {
  Engine e;
  auto broken = [](Engine& engine) -> Task<> {
    co_await engine.sleep(1500us);
    try {
      throw std::runtime_error("no memory");
    } catch (...) { std::throw_with_nested(std::runtime_error("no gradient")); }
  };
  e.spawn("worker 3", broken(e));
  try {
    e.run();
    FAIL() << "no error";
  } catch (const ProcessFailed& failed) {
    EXPECT_EQ(describe(failed), "process 'worker 3' failed at t = 0.0015 s\n  no gradient\n    no memory");
  }
  EXPECT_EQ(e.alive(), 0u);
}
TEST(Failure, OfUnknownTypeIsDescribedToo) {
  Engine e;
  auto broken = []() -> Task<> {
    throw 5;
    co_return;
  };
  e.spawn("p", broken());
  try {
    e.run();
    FAIL() << "no error";
  } catch (const ProcessFailed& failed) {
    EXPECT_EQ(describe(failed), "process 'p' failed at t = 0 s\n  an exception of unknown type");
  }
}
TEST(Failure, OfADaemonIsAFailureAndOthersCanGoOn) {
  Engine e;
  auto broken = []() -> Task<> {
    throw std::runtime_error("boom");
    co_return;
  };
  e.spawn("server", broken(), Engine::Kind::daemon);
  e.spawn("d", doze(e, Tracked{}));
  EXPECT_THROW(e.run(), ProcessFailed);
  EXPECT_EQ(e.run(), Engine::Ended::idle);
  EXPECT_EQ(e.now(), Time{1ms});
}

// ---- cancelling

TEST(Cancel, DestroysTheWholeChainAndItsTimers) {
  Engine e;
  const auto id = e.spawn("s", sleeper(e, Tracked{}));
  auto killer = [](Engine& engine, Engine::Id victim) -> Task<> {
    co_await engine.sleep(10500us);
    engine.cancel(victim);
  };
  e.spawn("k", killer(e, id));
  e.run();
  EXPECT_EQ(e.now(), Time{10500us});  // the victim's timer at 11 ms never fires
  EXPECT_EQ(Tracked::alive, 0);
}
TEST(Cancel, OfOneselfIsSafe) {
  Engine e;
  auto self = [](Engine& engine, Tracked) -> Task<> {
    engine.cancel(0);
    co_await engine.sleep(1ms);
    ADD_FAILURE();
  };
  e.spawn("me", self(e, Tracked{}));
  e.run();
  EXPECT_EQ(Tracked::alive, 0);
}
TEST(Cancel, BeforeTheFirstEventAndOfTheUnknownIsSafe) {
  Engine e;
  const auto id = e.spawn("s", sleeper(e, Tracked{}));
  EXPECT_TRUE(e.is_alive(id));
  e.cancel(id);
  e.cancel(id);
  e.cancel(12345);
  EXPECT_FALSE(e.is_alive(id));
  EXPECT_EQ(Tracked::alive, 0);
  e.run();
  EXPECT_EQ(e.events(), 0u);
}
TEST(Cancel, OfAProcessThatIsToStartInThisInstant) {
  Engine e;
  auto p = [](Engine& engine) -> Task<> {
    engine.cancel(engine.spawn("child", sleeper(engine, Tracked{})));
    co_return;
  };
  e.spawn("p", p(e));
  e.run();
  EXPECT_EQ(e.events(), 1u);
  EXPECT_EQ(Tracked::alive, 0);
}
TEST(Cancel, TheEngineDestroyedMidRunFreesEverything) {
  {
    Engine e;
    Counter never(e);
    auto waiter = [](Counter& c, Tracked) -> Task<> { co_await c.reaches(1); };
    e.spawn("s", sleeper(e, Tracked{}));
    e.spawn("w", waiter(never, Tracked{}), Engine::Kind::daemon);
    e.run(Time{5500us});
    EXPECT_GT(Tracked::alive, 0);
  }
  EXPECT_EQ(Tracked::alive, 0);
}
TEST(Cancel, ThousandsAtOnceAreAllFreed) {
  Engine e;
  std::vector<Engine::Id> ids;
  for (int i = 0; i < 50'000; ++i) ids.push_back(e.spawn("s", sleeper(e, Tracked{})));
  auto killer = [](Engine& engine, std::vector<Engine::Id> victims) -> Task<> {
    co_await engine.sleep(500us);
    for (const auto id : victims) engine.cancel(id);
  };
  e.spawn("k", killer(e, ids));
  e.run();
  EXPECT_EQ(Tracked::alive, 0);
  EXPECT_EQ(e.now(), Time{500us});
}

}  // namespace
}  // namespace paceline
