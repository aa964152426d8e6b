// Balance: how many samples of a step each worker takes. Their sum is always B = Σ workload.batch_size, so that a step
// is that of the same global batch, and Σ n_w g_w / Σ n_w its gradient.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "sim/cluster/cost.hpp"
#include "sim/core/time.hpp"

namespace paceline {

// Some of the B samples of a step.
struct Portion {
  std::int64_t offset = 0;
  int count = 0;
};

// Shares out every step anew, in an order of calls that simulated facts alone decide.
class Balance {
 public:
  virtual ~Balance() = default;
  // What a worker takes next of a step; a count of 0: there is nothing left for it.
  virtual Portion take(int worker, std::int64_t step) = 0;
  // Whether it comes back for more; if not, it takes its part of a step as it begins it.
  virtual bool piecemeal() const { return false; }
  // What it costs to take a portion, in time of nobody's device.
  virtual Span overhead() const { return Span{0}; }
  // A worker's device took so long for its samples of a step. All do that before anybody begins the next.
  virtual void measured(int /*worker*/, int /*samples*/, Span /*time*/) {}
};

struct BalanceMaker {
  // The sizes of batches that a run begins with, by worker, from those that the scenario gives; empty: the same.
  std::function<std::vector<int>(const Cost&, const std::vector<int>& given)> begin;
  // Empty: sizes stay what they are at the beginning.
  std::function<std::unique_ptr<Balance>(const std::vector<int>& sizes)> make;
};

namespace balances {
const Registry<BalanceMaker>& all();
}

// The samples of a step. Throws ConfigError where one worker could not take them all.
int samples_of(const std::vector<int>& sizes);
// So many samples in proportion to the workers' speeds (above 0), by largest remainder (ties: the lower worker), but at
// least one for each: who would get none is given one, and the others share what is left.
std::vector<int> share_out(int samples, std::span<const double> speeds);

}  // namespace paceline
