// The table that `paceline compare` works on: finished runs, read from run folders and from the stores of sweeps, by
// configuration. Runs that differ in nothing but their seed are one configuration; its axes are what tells it from the
// others: those of the sweep file, of run folders the keys in which their scenarios differ.
#pragma once
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace paceline::compare {

using Json = nlohmann::ordered_json;

// What is compared, by the names of results.json. All but the two about a chosen accuracy stand in its summary.
enum class Measure : std::size_t {
  simulated_time,
  throughput,
  final_accuracy,
  best_accuracy,
  final_loss,
  bytes,
  compute,
  communication,
  wait,
  queue,
  down,
  time_to_accuracy,
  bytes_to_accuracy
};
constexpr std::array measure_names{"simulated_time_s",    "throughput_samples_per_s",
                                   "final_test_accuracy", "best_test_accuracy",
                                   "final_test_loss",     "bytes_on_wire",
                                   "compute_fraction",    "exposed_communication_fraction",
                                   "wait_fraction",       "queue_fraction",
                                   "down_fraction",       "time_to_accuracy_s",
                                   "bytes_to_accuracy"};
constexpr std::size_t measures = measure_names.size(), stored_measures = measures - 2;
constexpr std::size_t index(Measure measure) { return std::size_t(measure); }

// A point of the curve where the accuracy was higher than ever before.
struct Rise {
  double accuracy = 0, time_s = 0, bytes = 0;
};
struct Sample {
  std::uint64_t seed = 0;
  std::string identity;                   // of its scenario and its events: two of the same are one run
  std::string place;                      // where it was read
  std::string reason;                     // of the end
  std::array<double, measures> values{};  // NaN where nothing is known
  std::vector<Rise> rises;

  double value(Measure measure) const { return values[index(measure)]; }
};
struct Configuration {
  std::string scenario, place;  // the scenario's name; the store or folder of its first run
  Json axes = Json::object();   // dotted key: value
  std::string resolved{};       // the scenario that its runs have in common, as JSON: all but the seed
  int workers = 0;
  std::optional<double> stop_accuracy;
  std::vector<Sample> samples;  // by seed
};
struct Runs {
  std::vector<Configuration> configurations;
  Json baseline;                   // of the sweep file: axis: value; null where there is none
  std::vector<std::string> notes;  // what was left out, and why
};

// `paths`: run folders, sweep folders, stores. Throws ConfigError where one is none of these, or nothing is finished.
Runs read_runs(const std::vector<std::string>& paths);

// What an object holds under a dotted path, or null where it holds nothing.
const Json* descend(const Json& object, std::string_view path);

}  // namespace paceline::compare
