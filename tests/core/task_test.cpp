// Tasks: values, exceptions and ownership through nested frames, and the hazards of g++ 12.
#include "sim/core/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "sim/core/sync.hpp"

namespace paceline {
namespace {

using namespace std::chrono_literals;

struct Tracked {  // counts live objects, to see that frames are freed
  static inline int alive = 0;
  Tracked() { ++alive; }
  Tracked(const Tracked&) { ++alive; }
  Tracked(Tracked&&) noexcept { ++alive; }
  ~Tracked() { --alive; }
};

Task<int> leaf(Engine& e, Tracked) {
  co_await e.sleep(1ms);
  co_return 7;
}
Task<int> thrower(Engine& e, Tracked) {
  co_await e.sleep(1ms);
  throw std::runtime_error("boom");
}
Task<int> at_once(int i) { co_return i; }
Task<std::size_t> takes(std::vector<Tracked> v) { co_return v.size(); }

TEST(Task, ValuesAndTimeFlowThroughNestedTasks) {
  Engine e;
  int got = 0;
  auto parent = [](Engine& engine, int& sum) -> Task<> {
    sum = co_await leaf(engine, Tracked{});
    sum += co_await leaf(engine, Tracked{});
  };
  e.spawn("p", parent(e, got));
  e.run();
  EXPECT_EQ(got, 14);
  EXPECT_EQ(e.now(), Time{2ms});
  EXPECT_EQ(Tracked::alive, 0);
}
TEST(Task, AnExceptionReachesTheAwaiter) {
  Engine e;
  std::string caught;
  auto parent = [](Engine& engine, std::string& text) -> Task<> {
    try {
      co_await thrower(engine, Tracked{});
    } catch (const std::exception& error) { text = error.what(); }
  };
  e.spawn("p", parent(e, caught));
  e.run();
  EXPECT_EQ(caught, "boom");
  EXPECT_EQ(Tracked::alive, 0);
}
TEST(Task, IsLazyAndDestroyedUnstartedFreesItsArguments) {
  Engine e;
  {
    const auto task = leaf(e, Tracked{});
    EXPECT_EQ(Tracked::alive, 1);
  }
  EXPECT_EQ(Tracked::alive, 0);
  EXPECT_EQ(e.run(), Engine::Ended::idle);
  EXPECT_EQ(e.events(), 0u);
}
TEST(Task, MoveOnlyResultsAreHandedOver) {
  Engine e;
  auto make = [](int i) -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(i); };
  std::unique_ptr<int> got;
  auto parent = [](auto maker, std::unique_ptr<int>& out) -> Task<> { out = co_await maker(5); };
  e.spawn("p", parent(make, got));
  e.run();
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, 5);
}
TEST(Task, AMillionSynchronousAwaitsDoNotGrowTheStack) {
  Engine e;
  long sum = 0;
  auto loop = [](long& total) -> Task<> {
    for (int i = 0; i < 1'000'000; ++i) total += co_await at_once(1);
  };
  e.spawn("l", loop(sum));
  e.run();
  EXPECT_EQ(sum, 1'000'000);
}
TEST(Task, TemporaryArgumentsAreDestroyedOnce) {
  Engine e;
  std::size_t n = 0;
  auto p = [](std::size_t& size) -> Task<> { size = co_await takes(std::vector<Tracked>(3)); };
  e.spawn("p", p(n));
  e.run();
  EXPECT_EQ(n, 3u);
  EXPECT_EQ(Tracked::alive, 0);
}
TEST(Task, FramesMayBeFreedInAnotherThread) {
  auto engine = std::make_unique<Engine>();
  auto sleeper = [](Engine& e, Tracked) -> Task<> {
    for (;;) co_await leaf(e, Tracked{});
  };
  for (int i = 0; i < 100; ++i) engine->spawn("s", sleeper(*engine, Tracked{}));
  std::uint64_t events = 0;
  std::thread([&] {
    engine->run(Time{10ms});
    events = engine->events();
    engine.reset();
  }).join();
  EXPECT_EQ(events, 100u * 11);
  EXPECT_EQ(Tracked::alive, 0);
}
TEST(Task, FindsItsOwnFrame) {
  Engine e;
  Frame* seen = nullptr;
  auto p = [](Frame*& frame) -> Task<> { frame = (co_await ThisCoroutine{}).frame; };
  auto task = p(seen);
  task.frame().resume();
  EXPECT_EQ(seen, &task.frame().promise());
}

}  // namespace
}  // namespace paceline
