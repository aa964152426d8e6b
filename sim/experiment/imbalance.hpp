// Imbalance: how unevenly the workers' compute is spread over a step: max ÷ mean − 1, the coefficient of variation
// (standard deviation ÷ mean), and the share of wait in the workers' time; a step is the batches that all workers count
// by the same number. Reckoned as rows come in; memory is bounded by the steps that some workers have taken and others
// have not, at most 1,024: where workers are further apart than that, the oldest are left out.
#pragma once
#include <cstdint>
#include <map>
#include <vector>

#include "sim/core/record.hpp"

namespace paceline {

struct StepImbalance {
  std::int64_t steps = 0;                          // that all workers took
  double mean = 0, p50 = 0, p95 = 0, largest = 0;  // of max ÷ mean − 1; percentiles to 0.1 % of the ratio
  double coefficient_of_variation = 0;             // mean over steps
  double wait_share = 0, largest_wait_share = 0;   // mean over steps, and of the worst one
};

class ImbalanceRecord {
 public:
  explicit ImbalanceRecord(int workers) : latest_(std::size_t(workers), -1) {}
  // Of a batch that was applied.
  void add(const StepRow& row);
  StepImbalance summary() const;

 private:
  struct Open {
    std::vector<bool> has;  // by worker
    std::size_t workers = 0;
    double mean = 0, squares = 0, most = 0;  // of compute; squares of what it is off the mean
    double wait = 0, time = 0;
  };
  struct Bin {
    std::int64_t steps = 0;
    double largest = 0;
  };
  void complete(const Open& step);
  double percentile(double share) const;

  std::map<std::int64_t, Open> open_;  // by step
  std::vector<std::int64_t> latest_;   // step, by worker
  std::int64_t left_out_ = -1;         // steps up to here are not waited for any more
  std::vector<Bin> bins_;              // of log max ÷ mean
  StepImbalance sums_;
};

}  // namespace paceline
