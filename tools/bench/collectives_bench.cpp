// Collectives by themselves, set-up included:
//   ring          all-reduce of 100 MB over N ranks on a star of 100 Gbps links, 5 us each; fidelity 1 fluid, 2 fused,
//                 3 analytic; 36.444375 ms for N = 1,024
//   hierarchical  the same bytes over N ranks, 8 on each host of a leaf-spine network, fused
//   choose        what `auto` costs: the plans of all algorithms for N ranks
#include <benchmark/benchmark.h>

#include <numeric>

#include "sim/comm/timing.hpp"
#include "topologies/topology_maker.hpp"

namespace {
using namespace paceline;

std::unique_ptr<const Topology> built(const std::string& text, int nodes) {
  Node document = parse_document(text, "bench.json");
  return topologies::read_topology(document).build(nodes);
}

void time(benchmark::State& state, const Topology& topology, const char* algorithm, Fidelity fidelity) {
  std::vector<int> nodes(static_cast<std::size_t>(state.range(0)));
  std::iota(nodes.begin(), nodes.end(), 0);
  const AlgorithmMaker maker = collectives::all().named(algorithm);
  CollectiveTiming timing;
  for (auto _ : state) timing = time_collective(topology, nodes, *maker, Op::all_reduce, 100e6, fidelity);
  state.counters["simulated_ms"] = timing.seconds * 1e3;
  state.counters["transfers"] = double(timing.transfers);
}

void ring(benchmark::State& state) {
  const auto star = built(R"({"kind": "star", "bandwidth": "100Gbps", "latency": "5us"})", int(state.range(0)));
  time(state, *star, "ring", Fidelity(state.range(1)));
}

const std::string hosts =
    R"({"kind": "leaf_spine", "leaves": 512, "nodes_per_leaf": 128, "spines": 64,
        "node_link": {"bandwidth": "400Gbps", "latency": "2us"}, "uplink": {"bandwidth": "800Gbps", "latency": "2us"},
        "hosts": {"accelerators": 8, "fabric": {"kind": "nvswitch", "bandwidth": "450GBps", "latency": "1us"}, "nics": 8}})";

void hierarchical(benchmark::State& state) { time(state, *built(hosts, 65536), "hierarchical", Fidelity::fused); }

void choose(benchmark::State& state) { time(state, *built(hosts, 65536), "auto", Fidelity::analytic); }

BENCHMARK(ring)->Args({1024, 1})->Args({1024, 2})->Args({1024, 3})->Unit(benchmark::kMillisecond);
BENCHMARK(hierarchical)->Arg(65536)->Unit(benchmark::kMillisecond);
BENCHMARK(choose)->Arg(1024)->Arg(65536)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
