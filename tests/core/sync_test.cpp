// Counter, Arrivals, Mailbox, all_of, first_of: who wakes when, and what a cancelled waiter leaves.
#include "sim/core/sync.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "sim/core/arrivals.hpp"

namespace paceline {
namespace {

using namespace std::chrono_literals;

struct Tracked {
  static inline int alive = 0;
  Tracked() { ++alive; }
  Tracked(const Tracked&) { ++alive; }
  Tracked(Tracked&&) noexcept { ++alive; }
  ~Tracked() { --alive; }
};
Task<> nap(Engine& e, Span span) {
  const Tracked here;
  co_await e.sleep(span);
}
Task<> fail_after(Engine& e, Span span, std::string text) {
  co_await e.sleep(span);
  throw std::runtime_error(text);
}
Task<> at_once() { co_return; }
Task<> fail_at_once(std::string text) {
  throw std::runtime_error(text);
  co_return;
}
template <class... T>
std::vector<Task<>> list(T... task) {
  std::vector<Task<>> tasks;
  (tasks.push_back(std::move(task)), ...);
  return tasks;
}

// ---- Counter and Arrivals

TEST(Counter, WakesThoseItHasReachedInOrderOfArrival) {
  Engine e;
  Counter counter(e);
  std::string log;
  auto waiter = [](Counter& c, std::int64_t goal, std::string& out, char name) -> Task<> {
    co_await c.reaches(goal);
    out += name;
  };
  e.spawn("a", waiter(counter, 3, log, 'a'));
  e.spawn("b", waiter(counter, 1, log, 'b'));
  e.spawn("c", waiter(counter, 2, log, 'c'));
  e.spawn("d", waiter(counter, 1, log, 'd'));
  auto driver = [](Engine& engine, Counter& c, std::string& out) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      co_await engine.sleep(1ms);
      c.add(1);
      out += '|';
    }
  };
  e.spawn("driver", driver(e, counter, log));
  e.run();
  EXPECT_EQ(log, "|bd|c|a");
}
TEST(Counter, NeverFallsAndLetsThePresentThrough) {
  Engine e;
  Counter counter(e, 5);
  counter.raise_to(3);
  EXPECT_EQ(counter.value(), 5);
  auto waiter = [](Counter& c) -> Task<> { co_await c.reaches(5); };
  e.spawn("w", waiter(counter));
  e.run();
  EXPECT_EQ(e.events(), 1u);
}
TEST(Counter, ACancelledWaiterIsNotWoken) {
  Engine e;
  Counter counter(e);
  int woken = 0;
  auto waiter = [](Counter& c, int& n) -> Task<> {
    co_await c.reaches(1);
    ++n;
  };
  const auto listed = e.spawn("listed", waiter(counter, woken));
  const auto waking = e.spawn("waking", waiter(counter, woken));
  e.spawn("other", waiter(counter, woken));
  auto killer = [](Engine& engine, Counter& c, Engine::Id first, Engine::Id second) -> Task<> {
    co_await engine.sleep(1ms);
    engine.cancel(first);
    co_await engine.sleep(1ms);
    c.add(1);
    engine.cancel(second);
  };
  e.spawn("killer", killer(e, counter, listed, waking));
  e.run();
  EXPECT_EQ(woken, 1);
}
TEST(Counter, MayDieBeforeItsWaiters) {
  Engine e;
  auto waiter = [](Counter& c, Tracked) -> Task<> { co_await c.reaches(1); };
  {
    Counter counter(e);
    e.spawn("w", waiter(counter, Tracked{}), Engine::Kind::daemon);
    e.run();
  }
  e.stop();
  EXPECT_EQ(Tracked::alive, 0);
}
TEST(Arrivals, WakeTheirWaiterWhenTheCountIsReached) {
  Engine e;
  Arrivals arrivals(e);
  Time woken{};
  auto waiter = [](Engine& engine, Arrivals& in, Time& at) -> Task<> {
    co_await in.reach(2);
    co_await in.reach(1);
    co_await in.reach(3);
    at = engine.now();
  };
  auto sender = [](Engine& engine, Arrivals& in) -> Task<> {
    for (int i = 0; i < 4; ++i) {
      co_await engine.sleep(1ms);
      in.arrive();
    }
  };
  e.spawn("w", waiter(e, arrivals, woken));
  e.spawn("s", sender(e, arrivals));
  e.run();
  EXPECT_EQ(woken, Time{3ms});
  EXPECT_EQ(arrivals.count(), 4u);
}
TEST(Arrivals, RefuseASecondWaiter) {
  Engine e;
  Arrivals arrivals(e);
  auto waiter = [](Arrivals& in) -> Task<> { co_await in.reach(1); };
  e.spawn("a", waiter(arrivals));
  e.spawn("b", waiter(arrivals));
  EXPECT_THROW(e.run(), ProcessFailed);
}
TEST(Arrivals, ACancelledWaiterLeavesTheFieldToTheNext) {
  Engine e;
  Arrivals arrivals(e);
  int woken = 0;
  auto waiter = [](Arrivals& in, int& n) -> Task<> {
    co_await in.reach(1);
    ++n;
  };
  const auto first = e.spawn("a", waiter(arrivals, woken), Engine::Kind::daemon);
  e.run(Time{1ms});
  arrivals.arrive();  // the wake-up is under way
  e.cancel(first);
  e.spawn("b", waiter(arrivals, woken));
  e.run();
  EXPECT_EQ(woken, 1);
}
TEST(Arrivals, MayDieBeforeTheirWaiter) {
  Engine e;
  auto waiter = [](Arrivals& in) -> Task<> { co_await in.reach(1); };
  {
    Arrivals arrivals(e);
    e.spawn("a", waiter(arrivals), Engine::Kind::daemon);
    e.run();
    arrivals.arrive();
  }
  e.run();
  EXPECT_EQ(e.alive(), 1u);
}

// ---- Mailbox

Task<> receive_into(Mailbox<int>& box, std::vector<int>& got, int count) {
  for (int i = 0; i < count; ++i) got.push_back(co_await box.receive());
}
TEST(Mailbox, KeepsTheOrderOfMessages) {
  Engine e;
  Mailbox<int> box(e);
  std::vector<int> got;
  auto writer = [](Engine& engine, Mailbox<int>& out) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      co_await engine.sleep(1ms);
      out.send(2 * i);
      out.send(2 * i + 1);
    }
  };
  e.spawn("r", receive_into(box, got, 6));
  e.spawn("w", writer(e, box));
  e.run();
  EXPECT_EQ(got, (std::vector{0, 1, 2, 3, 4, 5}));
}
TEST(Mailbox, AReceiverCancelledHalfwayDoesNotLoseItsTurn) {
  Engine e;
  Mailbox<int> box(e);
  std::vector<int> first, second;
  const auto victim = e.spawn("first", receive_into(box, first, 1), Engine::Kind::daemon);
  e.run(Time{1ms});
  e.cancel(victim);
  e.spawn("second", receive_into(box, second, 2), Engine::Kind::daemon);
  e.run(Time{2ms});
  box.send(7);
  box.send(8);
  e.run();
  EXPECT_TRUE(first.empty());
  EXPECT_EQ(second, (std::vector{7, 8}));
}
TEST(Mailbox, AReceiverCancelledOnItsWayToTheMessageLeavesItToTheNext) {
  Engine e;
  Mailbox<int> box(e);
  std::vector<int> a, b, c;
  const auto victim = e.spawn("a", receive_into(box, a, 1), Engine::Kind::daemon);
  e.spawn("b", receive_into(box, b, 1), Engine::Kind::daemon);
  e.spawn("c", receive_into(box, c, 1), Engine::Kind::daemon);
  e.run();
  box.send(1);
  box.send(2);  // a and b are being woken
  e.cancel(victim);
  box.send(3);
  e.run();
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(b, (std::vector{1}));
  EXPECT_EQ(c, (std::vector{2}));
  EXPECT_EQ(box.size(), 1u);
}
TEST(Mailbox, WhoComesLaterDoesNotTakeAPromisedMessage) {
  Engine e;
  Mailbox<int> box(e);
  std::vector<int> early, late;
  auto sender = [](Engine& engine, Mailbox<int>& out, std::vector<int>& got) -> Task<> {
    co_await engine.sleep(1ms);
    out.send(1);
    out.send(2);
    got.push_back(co_await out.receive());  // at once, before the early one is resumed
  };
  e.spawn("early", receive_into(box, early, 1));
  e.spawn("sender", sender(e, box, late));
  e.run();
  EXPECT_EQ(early, (std::vector{1}));
  EXPECT_EQ(late, (std::vector{2}));
}
TEST(Mailbox, CarriesMoveOnlyMessages) {
  Engine e;
  Mailbox<std::unique_ptr<int>> box(e);
  int got = 0;
  auto reader = [](Mailbox<std::unique_ptr<int>>& in, int& out) -> Task<> {
    const auto message = co_await in.receive();
    out = *message;
  };
  e.spawn("r", reader(box, got));
  box.send(std::make_unique<int>(5));
  e.run();
  EXPECT_EQ(got, 5);
}

// ---- all_of and first_of

struct Outcome {
  bool done = false;
  Time at{};
  std::size_t index = 99;
  std::string error;
  int alive = -1;  // tracked objects when it returned
};
Task<> await_all(Engine& e, std::vector<Task<>> tasks, Outcome& out) {
  try {
    co_await all_of(std::move(tasks));
    out.done = true;
  } catch (const std::exception& error) { out.error = error.what(); }
  out.at = e.now();
  out.alive = Tracked::alive;
}
Task<> await_first(Engine& e, std::vector<Task<>> tasks, Outcome& out) {
  try {
    out.index = co_await first_of(e, std::move(tasks));
    out.done = true;
  } catch (const std::exception& error) { out.error = error.what(); }
  out.at = e.now();
  out.alive = Tracked::alive;
}
struct Groups : testing::Test {
  Engine e;
  Outcome out;
  void all(std::vector<Task<>> tasks) {
    e.spawn("all", await_all(e, std::move(tasks), out));
    e.run();
  }
  void first(std::vector<Task<>> tasks) {
    e.spawn("first", await_first(e, std::move(tasks), out));
    e.run();
  }
};
TEST_F(Groups, AllOfEndsWithTheLast) {
  all(list(nap(e, 2ms), nap(e, 5ms), nap(e, 1ms)));
  EXPECT_TRUE(out.done);
  EXPECT_EQ(out.at, Time{5ms});
  EXPECT_EQ(Tracked::alive, 0);
}
TEST_F(Groups, AllOfTasksThatAreDoneAtOnceCompletes) {
  all(list(at_once(), at_once()));
  EXPECT_TRUE(out.done);
}
TEST_F(Groups, AllOfTasksThatWereDoneBeforeCompletes) {
  auto tasks = list(at_once(), at_once());
  for (auto& task : tasks) task.frame().resume();
  all(std::move(tasks));
  EXPECT_TRUE(out.done);
}
TEST_F(Groups, AllOfNothingCompletes) {
  all({});
  EXPECT_TRUE(out.done);
}
TEST_F(Groups, AllOfFailsFastAndCancelsTheRest) {
  all(list(nap(e, 9ms), fail_after(e, 2ms, "two"), fail_after(e, 3ms, "three")));
  EXPECT_EQ(out.error, "two");
  EXPECT_EQ(out.at, Time{2ms});
  EXPECT_EQ(out.alive, 0);
  EXPECT_EQ(e.now(), Time{2ms});
}
TEST_F(Groups, AllOfStartsNothingMoreAfterAFailureAtOnce) {
  bool started = false;
  auto start = [](bool& flag) -> Task<> {
    flag = true;
    co_return;
  };
  all(list(fail_at_once("now"), start(started)));
  EXPECT_EQ(out.error, "now");
  EXPECT_FALSE(started);
}
TEST_F(Groups, FirstOfGivesTheIndexAndCancelsTheRestBeforeItReturns) {
  first(list(nap(e, 9ms), nap(e, 2ms), nap(e, 3ms)));
  EXPECT_EQ(out.index, 1u);
  EXPECT_EQ(out.alive, 0);
  EXPECT_EQ(e.now(), Time{2ms});
}
TEST_F(Groups, FirstOfBreaksATieByTheOrderOfEvents) {
  auto second = [](Engine& engine) -> Task<> {  // ends at 2 ms as well, one event later
    co_await engine.sleep(2ms);
    co_await engine.sleep(Span{0});
  };
  first(list(second(e), nap(e, 2ms)));
  EXPECT_EQ(out.index, 1u);
}
TEST_F(Groups, FirstOfStartsNothingMoreOnceOneIsDone) {
  bool started = false;
  auto start = [](bool& flag) -> Task<> {
    flag = true;
    co_return;
  };
  first(list(at_once(), start(started)));
  EXPECT_EQ(out.index, 0u);
  EXPECT_FALSE(started);
}
TEST_F(Groups, FirstOfThrowsWhatTheFirstThrewAndNoMore) {
  first(list(nap(e, 5ms), fail_after(e, 1ms, "one")));
  EXPECT_EQ(out.error, "one");
  Outcome second;
  e.spawn("b", await_first(e, list(nap(e, 1ms), fail_after(e, 1ms, "too late")), second));
  e.run();
  EXPECT_EQ(second.index, 0u);
  EXPECT_EQ(second.error, "");
}
TEST_F(Groups, FirstOfNothingIsAnError) {
  first({});
  EXPECT_EQ(out.error, "first_of: there are no tasks");
}
TEST_F(Groups, AGroupThatIsCancelledTakesItsTasksAlong) {
  const auto id = e.spawn("all", await_all(e, list(nap(e, 5ms), nap(e, 6ms)), out));
  e.run(Time{1ms});
  EXPECT_EQ(Tracked::alive, 2);
  e.cancel(id);
  EXPECT_EQ(Tracked::alive, 0);
  e.run();
  EXPECT_EQ(e.now(), Time{1ms});
}

}  // namespace
}  // namespace paceline
