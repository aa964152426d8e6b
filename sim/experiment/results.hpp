// Results: what a run amounts to, as of interface section 4. Times in seconds, sizes in bytes. Outside `performance`
// and `host` nothing depends on the machine, the date or a path.
#pragma once
#include <array>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/record.hpp"
#include "sim/experiment/imbalance.hpp"
#include "sim/strategies/training.hpp"

namespace paceline {

struct StalenessSummary {
  double mean = 0;
  std::int64_t p50 = 0, p95 = 0, max = 0;
  std::vector<std::uint64_t> histogram;
};
struct WorkerResult {
  int worker = 0;
  std::string device;
  std::int64_t steps = 0, samples = 0;
  std::array<double, activities> seconds{};  // by Activity
  double blamed_s = 0;                       // how much others waited for it
  double bytes_sent = 0, bytes_received = 0;
  std::optional<std::int64_t> partition_rows;  // that it draws its batches from; none without numerics
  std::vector<std::int64_t> label_counts;      // of these, by class; empty where all draw from all rows
};
struct LinkResult {
  std::string name;
  double bytes = 0, utilization = 0, peak_utilization = 0, busy_s = 0, mean_flows = 0;
};
// The collectives of one kind.
struct CollectiveResult {
  std::string operation, algorithm, fidelity;
  std::uint64_t calls = 0;
  double bytes = 0;
};
// How long a worker waited for another.
struct WaitResult {
  int worker = 0, on = 0;
  double seconds = 0;
};
// Where the run's time went along the chain of activities that led to its last update.
struct CriticalPath {
  struct Share {
    int worker = 0;
    std::optional<double> compute_s;  // none above 1,024 workers
    std::int64_t steps = 0;           // updates to which its compute was the last on the path
  };
  std::array<double, activities> seconds{};  // by Activity
  std::vector<Share> workers;                // that are on it, or were
};
// Of the workers' compute over the whole run, and step by step.
struct Imbalance {
  double max_over_mean = 0, coefficient_of_variation = 0, wait_share = 0;  // the first: − 1
  StepImbalance per_step;
};
struct Performance {
  double wall_s = 0, cpu_s = 0;
  std::uint64_t events = 0, transfers = 0, gradients = 0;
  double peak_memory_bytes = 0;
  int threads = 1;
};

struct Results {
  std::string name, hash;
  std::uint64_t seed = 0, fingerprint = 0;
  std::string reason, detail;  // of the end
  double simulated_time_s = 0, steps = 0, epochs = 0, bytes_on_wire = 0;
  double background_bytes = 0;
  FailureCounts failures;
  double goodput = 1;                    // share of the workers' time that was neither down, nor for work that was lost
  std::uint64_t rerouted = 0, held = 0;  // transfers, by links that were down
  std::int64_t updates = 0, samples = 0, dropped = 0, cancelled = 0;
  std::array<double, activities> fractions{};  // of all workers' time, by Activity
  double overlapped_fraction = 0, load_imbalance = 0;
  StalenessSummary staleness;
  std::optional<double> time_to_accuracy_s, best_test_accuracy;
  std::vector<CurvePoint> curve;
  std::vector<WorkerResult> workers;
  std::vector<WaitResult> waits;  // by worker, then by the one waited for; none above 1,024 workers
  CriticalPath critical_path;
  Imbalance imbalance;
  std::vector<LinkResult> links;
  std::vector<CollectiveResult> collectives;
  std::vector<Check> checks;
  Performance performance;

  bool all_hold() const;
};

std::string to_json(const Results& results);
// Its "summary" alone.
nlohmann::ordered_json summary_json(const Results& results);

// Writes curve.csv, workers.csv, waits.csv, links.csv and results.json into a folder (steps.csv is streamed, see
// record.hpp).
void write_results(const Results& results, const std::string& folder);

// The summary table for a terminal; with colour where it helps.
std::string summary_table(const Results& results, bool colour);

// As 2026-01-31T12:00:00Z.
std::string time_now();

}  // namespace paceline
