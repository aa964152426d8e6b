// The engine's speed: events a second in the hold model (each process sleeps for a random span, again
// and again; Jones 1986) and its variants. Allocations are counted: a steady state makes none.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <new>

#include "sim/core/sync.hpp"

namespace {
std::uint64_t allocations = 0;
}
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {
using namespace paceline;

struct Draw {  // exponential, mean 1 ms, from a xorshift generator
  std::uint64_t s;
  Span operator()() {
    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    return Span{std::int64_t(-std::log((double(s >> 11) + 0.5) * 0x1p-53) * 1e9) + 1};
  }
};
Task<> exponential(Engine& e, Draw draw) {
  for (;;) co_await e.sleep(draw());
}
Task<> equal(Engine& e, Draw) {
  for (;;) co_await e.sleep(Span{1'000'000});
}
Task<> nap(Engine& e, Span span) { co_await e.sleep(span); }
Task<> nested(Engine& e, Draw draw) {
  for (;;) co_await nap(e, draw());
}
Task<> timeouts(Engine& e, Draw draw) {
  for (;;) {
    const auto timeout = e.schedule(e.now() + Span{100'000'000'000} + draw(), std::noop_coroutine());
    co_await e.sleep(draw());
    e.unschedule(timeout);
  }
}
Task<> turns(Engine& e, Draw draw) {
  for (std::uint32_t key = draw.s & 1023;;) {
    co_await e.sleep(Span{1'000'000});
    co_await e.turn(key);
  }
}

// range(0) processes; the run is stopped every 2^20 events.
template <Task<> (*body)(Engine&, Draw)>
void hold(benchmark::State& state) {
  struct Pause {};
  Engine engine;
  for (std::int64_t i = 0; i < state.range(0); ++i) engine.spawn("p", body(engine, Draw{std::uint64_t(i) * 7919 + 1}));
  const auto run = [&engine] {
    try {
      engine.run();
    } catch (const Pause&) {}
  };
  engine.set_interrupt([] { throw Pause{}; }, 1u << 20);
  run();  // grows what has to grow
  run();
  const std::uint64_t events = engine.events();
  std::uint64_t allocated = 0;
  for (auto _ : state) {
    const std::uint64_t before = allocations;
    run();
    allocated += allocations - before;
  }
  const double fired = double(engine.events() - events);
  state.counters["events"] = benchmark::Counter(fired, benchmark::Counter::kIsRate);
  state.counters["allocations_per_event"] = double(allocated) / fired;
}

BENCHMARK(hold<exponential>)->Name("hold/exponential")->Arg(64)->Arg(1000)->Arg(16384)->Unit(benchmark::kMillisecond);
BENCHMARK(hold<equal>)->Name("hold/equal")->Arg(64)->Arg(1000)->Arg(16384)->Unit(benchmark::kMillisecond);
BENCHMARK(hold<nested>)->Name("hold/nested_task")->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(hold<timeouts>)->Name("hold/cancelled_timeout")->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(hold<turns>)->Name("hold/sleep_and_turn")->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
