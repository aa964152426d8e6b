// One run folder. Many workers are drawn in groups of neighbours, many links as the busiest of them, many waits as sums
// over groups, and the timeline has the workers that computed longest and others evenly spread.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

#include "sim/core/document.hpp"
#include "sim/experiment/report/report.hpp"
#include "sim/experiment/report/steps.hpp"

namespace paceline::report {
namespace {

constexpr std::size_t longest_scenario = 64 << 10;
constexpr std::size_t most_bars = 1024, most_groups = 64, most_links = 64, most_curve_points = 1000;
constexpr std::size_t most_lanes = 48, slowest_lanes = 12, most_timeline_rows = 3000;

Json curve(const Json& points) {
  return columns(thinned(points, most_curve_points),
                 {"time_s", "step", "epoch", "samples", "train_loss", "test_loss", "test_accuracy", "bytes_on_wire"});
}

Json workers(const Json& rows) {
  const std::size_t group = (rows.size() + most_bars - 1) / most_bars;
  Json made = columns(rows,
                      {"compute_s", "exposed_communication_s", "wait_s", "queue_s", "down_s", "blamed_s", "steps",
                       "bytes_sent", "bytes_received"},
                      std::max<std::size_t>(group, 1));
  made["count"] = rows.size();
  made["group"] = group;
  return made;
}

// Who waited for whom; waits.csv has the rows that results.json leaves out above 128 workers.
Json waits(const std::string& folder, const Json& results) {
  const std::size_t count = results.at("workers").size(), group = (count + most_groups - 1) / most_groups;
  std::map<std::pair<std::size_t, std::size_t>, double> sums;
  std::ifstream in(folder + "/waits.csv");
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream cells(line);
    std::size_t waiting = 0, on = 0;
    double seconds = 0;
    char comma = 0;
    if (cells >> waiting >> comma >> on >> comma >> seconds) sums[{waiting / group, on / group}] += seconds;
  }
  Json worker = Json::array(), on = Json::array(), wait_s = Json::array();
  for (const auto& [pair, seconds] : sums) {
    worker.push_back(pair.first);
    on.push_back(pair.second);
    wait_s.push_back(rounded(seconds));
  }
  return {{"group", group},
          {"groups", group ? (count + group - 1) / group : 0},
          {"worker", worker},
          {"for", on},
          {"wait_s", wait_s}};
}

Json links(const Json& all) {
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), 0);
  const auto load = [&](std::size_t i) {
    const Json& value = all[i].at("utilization");
    return value.is_null() ? 0.0 : value.get<double>();
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return load(a) > load(b); });
  order.resize(std::min(order.size(), most_links));
  Json kept = Json::array();
  for (const std::size_t i : order) kept.push_back(all[i]);
  Json made = columns(kept, {"link", "bytes", "utilization", "peak_utilization", "busy_s", "mean_flows"});
  made["count"] = all.size();
  return made;
}

// Whose batches the timeline shows.
std::set<int> lanes(const Json& workers) {
  std::set<int> chosen;
  const std::size_t count = workers.size();
  if (count > most_lanes) {
    std::vector<std::pair<double, int>> by_compute;
    for (std::size_t i = 0; i < count; ++i) by_compute.push_back({-workers[i].at("compute_s").get<double>(), int(i)});
    std::sort(by_compute.begin(), by_compute.end());
    for (std::size_t i = 0; i < slowest_lanes; ++i) chosen.insert(by_compute[i].second);
  }
  const std::size_t spread = count > most_lanes ? most_lanes - slowest_lanes : count;
  for (std::size_t i = 0; i < spread; ++i) chosen.insert(int(i * count / spread));
  return chosen;
}

Json steps(const std::string& file, const Json& results, const Options& options) {
  if (!std::filesystem::exists(file)) return {};
  const std::set<int> shown = lanes(results.at("workers"));
  const std::size_t room = std::clamp<std::size_t>(most_timeline_rows / std::max<std::size_t>(shown.size(), 1), 1, 100);
  return read_steps(file, shown,
                    options.steps.second > 0 ? std::pair<std::int64_t, std::int64_t>(options.steps)
                                             : std::pair<std::int64_t, std::int64_t>(0, room));
}

std::string scenario(const std::string& file) {
  std::string text = file_fault(file).empty() ? read_file(file, largest_document) : "";
  if (text.size() > longest_scenario) {
    text.resize(longest_scenario);
    text += fmt::format("\n… cut off here: the first {} KiB", longest_scenario >> 10);
  }
  return text;
}

}  // namespace

Json read_run(const std::string& folder, const Options& options) {
  const Json results = read_results(folder);
  try {
    Json made{{"label", label_of(folder)}};
    for (const char* key :
         {"name", "scenario_hash", "seed", "fingerprint", "outcome", "summary", "checks", "imbalance", "performance"})
      made[key] = results.value(key, Json());
    made["curve"] = curve(results.at("curve"));
    made["workers"] = workers(results.at("workers"));
    made["waits"] = waits(folder, results);
    made["links"] = links(results.at("links"));
    made["steps"] = steps(folder + "/steps.csv", results, options);
    made["scenario"] = scenario(folder + "/scenario.json");
    return made;
  } catch (const Json::exception& error) {
    throw ConfigError(fmt::format("{}/results.json: not the results of a run: {}", folder, error.what()));
  }
}

}  // namespace paceline::report
