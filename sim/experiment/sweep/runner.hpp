// Does the runs that a dispatcher gives out, in some threads of this process. Each is an Experiment of its own; what
// they compute they share among them and the threads of one pool.
#pragma once
#include <atomic>
#include <functional>

#include "sim/experiment/sweep/dispatcher.hpp"

namespace paceline {

class Dataset;
struct Progress;
class Threads;

// One run, whose outcome is the same wherever it is done. `poll`: as of an Experiment; Interrupted gives the run back.
// `data` keeps the data set of the run before, which is often that of the next.
Outcome do_run(const Sweep& sweep, const PlannedRun& run, Threads& threads,
               const std::function<void(const Progress&)>& poll, std::shared_ptr<const Dataset>& data);

struct SweepProgress {
  std::size_t done = 0, failed = 0, of = 0, running = 0, elsewhere = 0;
  double elapsed_s = 0;
  std::optional<double> left_s{};         // once something has been done
  std::optional<double> best_accuracy{};  // that a run of this process has come to
  struct Current {
    std::size_t run = 0;  // of the plan
    double fraction = 0;
    std::optional<double> accuracy{};
  };
  std::vector<Current> current{};  // in this process
};

struct RunnerOptions {
  int jobs = 1;
  int threads = 0;  // that compute gradients, those of the jobs included; 0: one per processor
  std::function<void(const SweepProgress&)> told;  // ten times a second, on the calling thread
  std::function<bool()> asked_to_stop;             // looked at just as often
};

// Returns when all is done, or it was asked to stop. Throws what the store threw.
void do_runs(const SweepPlan& plan, StoreDispatcher& dispatcher, const RunnerOptions& options);

}  // namespace paceline
