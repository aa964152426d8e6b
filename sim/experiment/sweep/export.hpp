// What a store says in one file, and in one table.
#pragma once
#include <string>
#include <vector>

#include "sim/experiment/sweep/store.hpp"

namespace paceline {

// sweep.csv: a row per run, sorted by position: axes, seed, state, error, then the summary. Written whole, and by one
// process at a time.
void write_csv(Store& store, const std::string& path);

// A configuration: runs that differ in their seed.
struct Configuration {
  std::string axes;  // JSON
  std::size_t done = 0, failed = 0, waiting = 0;
  std::optional<double> simulated_time_s, accuracy, throughput_samples_per_s;  // means over those that are done
  std::string error;                                                           // the first
};
std::vector<Configuration> configurations(Store& store, const SweepPlan& plan);
std::string to_table(const std::vector<Configuration>& configurations, bool colour);
// Axes as people read them: "cluster.workers" is workers where no other axis ends so, {"kind": "ssp"} is ssp.
std::vector<std::string> short_names(const std::vector<std::string>& keys);
std::string short_value(const nlohmann::ordered_json& value);

// Lines of cells, the first one a header; numbers to the right.
std::string aligned(const std::vector<std::vector<std::string>>& rows, std::size_t left, bool colour);

}  // namespace paceline
