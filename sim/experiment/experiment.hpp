// Spec --build--> Experiment --run--> Results. An Experiment owns all of a run: engine, cluster, numerics, training.
// Two of them do not disturb each other.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "sim/experiment/checkpoint.hpp"
#include "sim/experiment/record.hpp"
#include "sim/experiment/results.hpp"
#include "sim/experiment/spec.hpp"

namespace paceline {

// Thrown out of a run by a poll when the user wants it to end.
struct Interrupted : std::runtime_error {
  using runtime_error::runtime_error;
};

// How far a run is, for a progress line.
struct Progress {
  double fraction = 0;  // of the stop bound that is nearest
  double simulated_time_s = 0, steps = 0, epochs = 0;
  std::optional<double> test_accuracy{};
};

struct RunOptions {
  RecordFiles files;
  std::uint64_t max_events = 0;               // 0: no limit
  std::function<void(const Progress&)> poll;  // called now and then; what it throws ends the run

  std::string checkpoint{};  // its file: written now and then, and when the run is interrupted; "": none
  bool resume = false;       // begins where the checkpoint is
};

class TraceFile;

class Experiment {
 public:
  // Opens the data. Throws ConfigError. `spec` and `threads` must outlive it.
  Experiment(const Spec& spec, Threads& threads);
  ~Experiment();
  Experiment(const Experiment&) = delete;

  // Once. A run that ends early (Interrupted, LimitReached, Deadlock) has results, too: its reason says so; but not one
  // that is interrupted before it is where its checkpoint was: that throws. Throws what a process threw, as
  // ProcessFailed.
  Results run(const RunOptions& options = {});

  // After run().
  std::shared_ptr<const Values> parameters() const;
  const std::string& deadlock() const { return deadlock_; }
  std::string trace_note() const;  // what a user should know of the trace, or ""

  // Null without numerics. Who holds it spares the next run on it the reading.
  const std::shared_ptr<const Dataset>& data() const { return data_; }

 private:
  Shares split(const DataShape& shape, const Dataset* data) const;
  Progress progress() const;
  Results collect() const;
  void describe_shares(Results& results) const;
  void attribute(Results& results) const;
  std::vector<Check> attribution_checks() const;
  std::vector<Check> checks() const;

  void look(const RunOptions& options);
  void run_events();

  const Spec& spec_;
  Threads& threads_;
  Ledger ledger_;  // of what run() keeps
  Engine engine_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<Cost> cost_;
  std::vector<Tensor> tensors_;  // of the model
  std::unique_ptr<GradientPool> pool_;
  std::unique_ptr<Wire> wire_;
  std::shared_ptr<const Dataset> data_;    // null without numerics
  std::shared_ptr<const Values> initial_;  // null without numerics
  std::unique_ptr<CostRecord> costs_;      // null unless they are recorded
  std::unique_ptr<TraceFile> trace_;       // null: none is written
  std::unique_ptr<Record> record_;
  std::unique_ptr<Training> training_;
  std::unique_ptr<Strategy> strategy_;
  std::unique_ptr<Checkpoints> checkpoints_;  // null: none
  std::uint64_t poll_every_ = 1;              // events
  std::string deadlock_;
};

}  // namespace paceline
