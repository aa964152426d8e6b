// What the tests of the engine share: objects that are counted while they live, sleepers, and a world that logs its
// calls.
#pragma once
#include <functional>
#include <string>

#include "sim/core/engine.hpp"

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
Task<> doze(Engine& e, Tracked) { co_await e.sleep(1ms); }
Task<> sleeper(Engine& e, Tracked) {
  for (;;) co_await doze(e, Tracked{});
}

struct World {  // an engine and a log that callbacks write
  Engine engine;
  std::string log;
  std::function<void(std::uint32_t)> on_call{};
  static void call(void* self, std::uint32_t what) {
    World& world = *static_cast<World*>(self);
    world.log += std::to_string(what) + ' ';
    if (world.on_call) world.on_call(what);
  }
  void schedule(Time at, std::uint32_t what) { engine.schedule(at, this, call, what); }
  void turn(std::uint32_t key, std::uint32_t what) { engine.at_turn(key, this, call, what); }
  void end(std::uint32_t what) { engine.at_end_of_instant(this, call, what); }
  void after(std::uint32_t what) { engine.after_instant(this, call, what); }
};

}  // namespace
}  // namespace paceline
