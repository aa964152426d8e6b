// SweepPlan: the runs of a sweep, each with the name that it goes by in the store, and how much work it may be.
//   events ≈ workers · steps · (1 + messages), messages of a worker and step: 2 a server, or 2 (N − 1) of a ring
//   seconds ≈ events · 0.2 µs, with numerics + samples · 6 · parameters / 50 GFLOPS
// These are guesses, good enough to begin with the largest; finished runs tell by how much they are off.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "sim/experiment/spec.hpp"
#include "sim/experiment/sweep/sweep.hpp"

namespace paceline {

struct PlannedRun {
  std::size_t position = 0;
  std::uint64_t seed = 0;
  std::vector<std::size_t> indices;  // of the axes' values
  std::string axes;                  // JSON: {"cluster.workers":4}
  std::string hash{};                // 16 digits, of the resolved scenario and the version of the simulation
  std::string name{}, scenario{};    // of the scenario; resolved, as JSON
  std::string error{};               // why it is no scenario, or ""
  double events = 0, seconds = 0;    // estimates
};

struct SweepPlan {
  Sweep sweep;
  std::vector<PlannedRun> runs;
  std::size_t excluded = 0;        // by "where"
  std::size_t same = 0;            // as another run
  std::vector<std::string> notes;  // of the first run
};

struct Shard {
  std::uint64_t index = 0, of = 1;
  bool has(const std::string& hash) const { return std::stoull(hash, nullptr, 16) % of == index; }
};

// Reads the scenario of every run; `told` how many. Throws ConfigError: the first one when all are wrong. Runs of other
// shards are left out.
SweepPlan make_plan(Sweep sweep, const Shard& shard = {}, const std::function<void(std::size_t)>& told = {});

void estimate(const Spec& spec, PlannedRun& run);

}  // namespace paceline
