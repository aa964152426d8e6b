// The network's speed, every message a transfer of its own:
//   ring        an all-reduce of 100 MB over N ranks on a star of 100 Gbps links, 5 us each: 2 (N - 1) N
//               transfers; it takes 2 (N - 1) (2 * 5 us + S / N / 12.5 GB/s), 36.444375 ms for N = 1,024
//   out of step each rank sleeps up to 1 us at random before each send, as behind stragglers
//   all_to_all  256 hosts on 16 leaves and 4 spines, 65,280 flows of 1 MB at once; or of 0.5 to 1.5 MB at random, so
//               that nearly every one ends alone and changes what thousands of others get
//   ring_per_N  the ring for more and more ranks, a million transfers each: what one transfer costs
#include <benchmark/benchmark.h>

#include <array>
#include <deque>

#include "sim/cluster/network.hpp"

namespace {
using namespace paceline;

// Two levels of switches; with no spines a star. Links: hosts up, hosts down, leaves up, leaves down.
class LeafSpine final : public Topology {
 public:
  LeafSpine(std::uint32_t leaves, std::uint32_t per_leaf, std::uint32_t spines)
      : leaves_(leaves), per_leaf_(per_leaf), spines_(spines) {}
  int nodes() const override { return int(hosts()); }
  std::uint32_t links() const override { return 2 * hosts() + 2 * leaves_ * spines_; }
  LinkSpec link(LinkId) const override { return {12.5e9, Span{5'000'000}}; }
  Ends ends(LinkId) const override { return {0, 0}; }  // nobody asks for names
  unsigned longest_route() const override { return spines_ ? 4 : 2; }
  void route(int from, int to, std::uint64_t flow, std::vector<LinkId>& out) const override {
    const auto f = std::uint32_t(from), t = std::uint32_t(to), a = f / per_leaf_, b = t / per_leaf_;
    out = {f};
    if (a != b) {
      const auto spine = std::uint32_t(hash((std::uint64_t(f) << 40) ^ (std::uint64_t(t) << 20) ^ flow) % spines_);
      out.push_back(2 * hosts() + a * spines_ + spine);
      out.push_back(2 * hosts() + (leaves_ + b) * spines_ + spine);
    }
    out.push_back(hosts() + t);
  }

 private:
  static std::uint64_t hash(std::uint64_t x) {  // splitmix64
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
  }
  std::uint32_t hosts() const { return leaves_ * per_leaf_; }
  std::uint32_t leaves_, per_leaf_, spines_;
};

void report(benchmark::State& state, const Engine& engine, const Network& network, double& transfers, double& events) {
  transfers += double(network.statistics().transfers);
  events += double(engine.events());
  state.counters["transfers"] = benchmark::Counter(transfers, benchmark::Counter::kIsRate);
  state.counters["events"] = benchmark::Counter(events, benchmark::Counter::kIsRate);
  state.counters["ns_per_transfer"] =
      benchmark::Counter(transfers / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["solves"] = double(network.statistics().solves);
  state.counters["simulated_ms"] = to_seconds(engine.now()) * 1e3;
}

Task<> member(Engine& engine, Network& network, std::vector<LinkId> route, Arrivals& inbox, Arrivals& right,
              std::uint64_t ranks, std::uint64_t steps, std::uint64_t jitter, std::uint64_t random) {
  for (std::uint64_t step = 1; step <= steps; ++step) {
    if (jitter) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      co_await engine.sleep(Span{std::int64_t((random >> 33) % jitter)});
    }
    network.send(route, 100e6 / double(ranks), right);
    co_await inbox.reach(step);
  }
}

void ring(benchmark::State& state) {  // range: ranks, jitter in ps, steps (0: a whole all-reduce)
  const auto ranks = std::uint64_t(state.range(0));
  const std::uint64_t steps = state.range(2) ? std::uint64_t(state.range(2)) : 2 * (ranks - 1);
  const LeafSpine star(1, std::uint32_t(ranks), 0);
  double transfers = 0, events = 0;
  for (auto _ : state) {
    Engine engine;
    Network network(engine, star);
    std::deque<Arrivals> inbox;
    for (std::uint64_t i = 0; i < ranks; ++i) inbox.emplace_back(engine);
    std::vector<LinkId> route;
    for (std::uint64_t i = 0; i < ranks; ++i) {
      const std::uint64_t right = (i + 1) % ranks;
      star.route(int(i), int(right), 0, route);
      engine.spawn("rank", member(engine, network, route, inbox[i], inbox[right], ranks, steps,
                                  std::uint64_t(state.range(1)), i));
    }
    engine.run();
    report(state, engine, network, transfers, events);
  }
}

Task<> everyone(Network& network, const LeafSpine& fabric, Arrivals& arrivals, bool equal) {
  std::vector<LinkId> route;
  std::uint64_t random = 1;
  std::uint64_t flows = 0;
  for (int from = 0; from < fabric.nodes(); ++from)
    for (int to = 0; to < fabric.nodes(); ++to)
      if (from != to) {
        fabric.route(from, to, 0, route);
        random = random * 6364136223846793005u + 1442695040888963407u;
        network.send(route, equal ? 1e6 : 5e5 + double(random >> 33) / 0x1p31 * 1e6, arrivals);
        ++flows;
      }
  co_await arrivals.reach(flows);
}

void all_to_all(benchmark::State& state) {
  const LeafSpine fabric(16, 16, 4);
  double transfers = 0, events = 0;
  for (auto _ : state) {
    Engine engine;
    Network network(engine, fabric);
    Arrivals arrivals(engine);
    engine.spawn("all", everyone(network, fabric, arrivals, state.range(0) == 0));
    engine.run();
    report(state, engine, network, transfers, events);
  }
}

BENCHMARK(ring)->Name("ring")->Args({256, 0, 0})->Args({1024, 0, 0})->Unit(benchmark::kMillisecond);
BENCHMARK(ring)->Name("ring_out_of_step")->Args({1024, 1'000'000, 0})->Unit(benchmark::kMillisecond);
BENCHMARK(ring)
    ->Name("ring_per_N")
    ->Args({64, 0, 16384})
    ->Args({256, 0, 4096})
    ->Args({1024, 0, 1024})
    ->Args({4096, 0, 256})
    ->Args({16384, 0, 64})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(all_to_all)->Name("all_to_all_equal")->Arg(0)->Unit(benchmark::kMillisecond);
BENCHMARK(all_to_all)->Name("all_to_all_random")->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
