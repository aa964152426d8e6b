// What if: a scenario as it is, and the same with one thing changed, on common random numbers: whatever is not changed
// draws what it drew. The difference is what the thing costs.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/experiment/results.hpp"
#include "sim/experiment/spec.hpp"
#include "sim/experiment/statistics.hpp"

namespace paceline {

struct Change {
  enum class What { straggler, all_stragglers, failure, all_failures, network, compute };
  What what;
  std::size_t entry = 0;  // of the scenario's list
  double factor = 1;      // on all bandwidths, on all durations of compute and updates
};

// An entry that is taken out stays in its list and does nothing, so that the others keep their numbers and draws.
// Throws std::invalid_argument where there is no such entry.
void apply(const Change& change, Spec& spec);
// Every straggler and every failure by itself, the network twice as fast, compute twice as fast.
std::vector<Change> usual_changes(const Spec& spec);

// Several seeds of one variant: means, and the times of each.
struct Variant {
  std::vector<double> times_s;  // simulated, by seed
  double simulated_time_s = 0, throughput_samples_per_s = 0;
  std::optional<double> time_to_accuracy_s;  // where all seeds reached it
  double wait_fraction = 0, communication_fraction = 0;
  std::vector<std::string> reasons;  // of the end, by seed
  bool checks_hold = true;

  void add(const Results& results);

 private:
  void average(double& mean, double value) const { mean += (value - mean) / double(times_s.size()); }
  bool all_accurate_ = true;
};

// The scenario as it is, then with each change by itself, then with all of them if there are several. `seeds`: the
// same scenario with one seed after the other; `told` is called after every run.
std::vector<Variant> what_if(const std::vector<Spec>& seeds, const std::vector<Change>& changes, Threads& threads,
                             const std::function<void(std::size_t done, std::size_t of)>& told);

}  // namespace paceline
