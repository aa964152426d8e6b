// Outcome: what became of a run of a sweep, a plain value: it is the same wherever the run was done, but for `timing`,
// and goes through JSON unchanged.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "sim/experiment/results.hpp"

namespace paceline {

enum class RunState { waiting, running, done, failed };
std::string_view name_of(RunState state);
RunState run_state(std::string_view name);

struct Timing {
  std::string started, finished, host;  // times as 2026-01-31T12:00:00Z
  double wall_s = 0, cpu_s = 0;         // the second: of the thread that did it, gradients computed by others apart
  std::int64_t peak_memory_bytes = 0;   // of its process, up to then
  int threads = 1;                      // that computed gradients
};

struct Outcome {
  std::string hash;
  RunState state = RunState::waiting;  // waiting: it was interrupted
  std::string error{};
  nlohmann::ordered_json summary = nullptr;  // null: there is none; else a value by column
  nlohmann::ordered_json curve = nlohmann::ordered_json::array(), workers = nlohmann::ordered_json::array();  // rows
  Timing timing{};
};

// The columns of a store's tables behind the hash, all but the first of summary numbers.
std::vector<std::string> summary_columns();
const std::vector<std::string>& curve_columns();    // behind the point
const std::vector<std::string>& workers_columns();  // the worker first

// A run that has ended by itself.
Outcome outcome_of(const std::string& hash, const Results& results);

nlohmann::ordered_json to_json(const Outcome& outcome);
Outcome outcome_from(const nlohmann::ordered_json& json);

}  // namespace paceline
