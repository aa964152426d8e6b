// Runs side by side: means over seeds with their intervals, differences from a baseline on common seeds, speed-up and
// efficiency of scaling, the Pareto front of time, accuracy and bytes. What the figures mean:
// sim/experiment/statistics.hpp.
#pragma once
#include "sim/experiment/compare/runs.hpp"
#include "sim/experiment/statistics.hpp"

namespace paceline::compare {

// From the baseline, on the seeds that both have. Significant: after Holm's correction over all configurations that are
// compared by this measure, at 5 %.
struct Difference {
  Estimate estimate;
  std::optional<double> p;
  bool significant = false;
};
struct AgainstBaseline {
  std::size_t baseline = 0;  // its row
  std::size_t common_seeds = 0;
  std::array<std::optional<Difference>, measures> differences;
  std::optional<Ratio> speed_up;    // of samples per second
  std::optional<Ratio> efficiency;  // speed-up ÷ how many times the workers
};
struct Row {
  const Configuration* configuration = nullptr;
  std::string name;
  std::array<std::optional<Estimate>, measures> estimates;  // where every seed has a value
  std::size_t reached = 0;                                  // seeds that came to the accuracy
  bool on_front = false;
  std::optional<AgainstBaseline> against;  // none for a baseline itself

  const std::optional<Estimate>& of(Measure measure) const { return estimates[index(measure)]; }
};
// The accuracy to which time and bytes are counted, and why it is this one.
struct Goal {
  double accuracy = 0;
  std::string why;
};
struct Comparison {
  Runs runs;
  std::optional<Goal> goal;  // none without numerics
  std::vector<std::string> axes;
  std::vector<std::vector<std::string>> labels;  // by row and axis, short
  std::vector<Row> rows;
  std::string baseline;    // in words
  std::size_t tested = 0;  // configurations that have a difference with an interval
  std::vector<std::string> notes;

  // The time that the front and the table go by: to the accuracy where there is one, else simulated.
  Measure time() const { return goal ? Measure::time_to_accuracy : Measure::simulated_time; }
  Measure bytes() const { return goal ? Measure::bytes_to_accuracy : Measure::bytes; }
};

struct Options {
  std::optional<double> accuracy;     // by default the one at which the scenarios stop, or the highest that all reach
  std::vector<std::string> baseline;  // KEY=VALUE; by default the sweep's, or the first configuration
};
Comparison comparison_of(Runs runs, const Options& options);

// For each configuration the one it is held against, or none. A baseline names some axes: a configuration's own one is
// that which has these values and agrees with it in all others; where there is none, the only one with these values.
// Throws ConfigError where no configuration has them.
std::vector<std::optional<std::size_t>> find_baselines(const std::vector<Configuration>& all, const Json& baseline);

// What tells the values of an axis apart, in few words: numbers and texts as they are, of objects their kind and the
// keys in which those of a kind differ.
std::vector<std::string> short_labels(const std::vector<Json>& values);

std::string to_text(const Comparison& comparison);
std::string to_json(const Comparison& comparison);
std::string to_csv(const Comparison& comparison);

}  // namespace paceline::compare
