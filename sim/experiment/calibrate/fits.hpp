// What calibrations are made of: a log of nccl-tests and a topology, or a table of measurements and a scenario.
#pragma once
#include <string>
#include <vector>

#include "sim/experiment/calibrate/calibration.hpp"

namespace paceline {

// One set of measurements, and what was fitted to it.
struct Fitted {
  std::string name;
  double scale = 1;  // of a measurement, to `unit`
  std::string unit{};
  std::vector<std::string> labels{};
  std::vector<double> measured{};
  std::string by{};  // the algorithm
  Calibration made{};
};

struct LogOptions {
  std::vector<std::string> operations{};  // as in all_gather; none: all
  double smallest = 0;                    // bytes; smaller rows are left out
  std::string algorithm{};                // a kind or its object; "": the one that fits best
  std::string link{};                     // whose keys are fitted; "": of the fabric of one host, else of the network
  int ranks = 0;                          // where the log does not say
};
// A fit for each test of a log: efficiency, latency and overhead of a link of the topology. Throws ConfigError.
std::vector<Fitted> fit_log(const std::string& log, const std::string& topology, const LogOptions& options,
                            std::vector<std::string>& notes);

// Keys of a scenario, fitted to a table (CSV) whose first line names keys and one figure of the summary, as in
//   cluster.workers,workload.batch_size,throughput_samples_per_s
// Throws ConfigError.
Fitted fit_table(const std::string& table, const std::string& scenario, const std::vector<std::string>& keys);

}  // namespace paceline
