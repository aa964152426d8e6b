// Recovery: how training goes on when devices fail.
//
// Where servers hold the parameters, or workers are on their own, a worker that fails loses what it was at, and
// nothing else: it is down until its device works again, the failure has been noticed and it has restarted; then it
// pulls the parameters and takes its batch once more. Where all hold the parameters together, all go down: they start
// again from the latest checkpoint, with its parameters, optimizers, residuals and position in the data; or, elastic,
// from the last step that all had completed, without the one that failed.
#pragma once
#include <optional>

#include "sim/strategies/strategy.hpp"

namespace paceline {

// Times in seconds.
struct RecoverySpec {
  double detection = 0, restart = 0;
  bool elastic = false;

  struct Checkpoint {
    std::optional<double> interval;  // from one to the next; empty: Daly's optimum
    std::optional<double> cost;      // of one; empty: `bytes` through `bandwidth`
    std::optional<double> bytes;     // empty: parameters and optimizer state
    double bandwidth = 0;            // of the storage, bytes per second
    bool blocking = true;            // training stands still for it
  };
  std::optional<Checkpoint> checkpoint;  // empty: back to the start
};

// The key `recovery`; empty: it is not there.
std::optional<RecoverySpec> read_recovery(Reader& in);

// The interval between checkpoints that loses least: √(2δM) (1 + √(δ/2M)/3 + δ/18M) - δ, or M where δ >= 2M; cost δ,
// mean time between failures M (Daly 2006, "A higher order estimate of the optimum checkpoint interval for restart
// dumps").
double daly_interval(double cost, double mean_between_failures);

std::unique_ptr<Strategy> failing_alone(const StrategyMaker& maker, const RecoverySpec& spec, Training& training);
std::unique_ptr<Strategy> rolling_back(const StrategyMaker& maker, const RecoverySpec& spec, Training& training);

}  // namespace paceline
