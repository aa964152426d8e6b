#include "sim/experiment/sweep/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "sim/core/units.hpp"
#include "sim/experiment/csv.hpp"

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;

std::string cell(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_number_float()) return fmt::format("{}", value.get<double>());
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.find_first_of(",\"\n\r") == text.npos) return text;
  std::string quoted = "\"";
  for (const char letter : text) quoted.append(letter == '"' ? 2 : 1, letter);
  return quoted + '"';
}

void add_mean(std::optional<double>& sum, const Json& value) {
  if (value.is_number()) sum = sum.value_or(0) + value.get<double>();
}

// Characters, not bytes.
std::size_t width(const std::string& text) {
  return std::size_t(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

void write_csv(Store& store, const std::string& path) {
  store.database().transaction([&] {
    std::vector<std::string> axes;  // of all runs, in the order in which they come up
    Statement keys(store.database(), "SELECT axes FROM runs GROUP BY axes ORDER BY min(position)");
    while (keys.step()) {
      const Json own = Json::parse(keys.text(0));
      for (const auto& [key, value] : own.items())
        if (std::find(axes.begin(), axes.end(), key) == axes.end()) axes.push_back(key);
    }
    const std::vector<std::string> columns = summary_columns();
    std::string text;
    for (const std::string& axis : axes) text += cell(axis) + ",";
    text += fmt::format("seed,state,error,{}\n", fmt::join(columns, ","));
    Statement rows(
        store.database(),
        fmt::format("SELECT axes,seed,CASE state WHEN 'running' THEN 'waiting' ELSE state END,error,s.{} FROM "
                    "runs LEFT JOIN summary AS s USING(hash) ORDER BY position, runs.hash",
                    fmt::join(columns, ",s.")));
    while (rows.step()) {
      const Json own = Json::parse(rows.text(0));
      for (const std::string& axis : axes) text += (own.contains(axis) ? cell(own[axis]) : "") + ",";
      for (int column = 1; column < rows.columns(); ++column)
        text += cell(rows.value(column)) + (column + 1 < rows.columns() ? "," : "\n");
    }
    write_file(path, text);
  });
}

std::vector<Configuration> configurations(Store& store, const SweepPlan& plan) {
  std::vector<Configuration> made;
  std::unordered_map<std::string, std::size_t> known;  // by axes
  std::unordered_map<std::string, std::size_t> of;     // by hash
  for (const PlannedRun& run : plan.runs) {
    const auto [at, added] = known.emplace(run.axes, made.size());
    if (added) made.emplace_back().axes = run.axes;
    of.emplace(run.hash, at->second);
  }
  Statement rows(store.database(),
                 "SELECT hash,state,error,simulated_time_s,final_test_accuracy,throughput_samples_per_s FROM runs LEFT "
                 "JOIN summary USING(hash) ORDER BY position");
  while (rows.step()) {
    const auto at = of.find(rows.text(0));
    if (at == of.end()) continue;
    Configuration& c = made[at->second];
    const RunState state = run_state(rows.text(1));
    ++(state == RunState::done ? c.done : state == RunState::failed ? c.failed : c.waiting);
    if (state == RunState::failed && c.error.empty()) c.error = rows.text(2);
    if (state != RunState::done) continue;
    add_mean(c.simulated_time_s, rows.value(3));
    add_mean(c.accuracy, rows.value(4));
    add_mean(c.throughput_samples_per_s, rows.value(5));
  }
  for (Configuration& c : made)
    for (std::optional<double>* mean : {&c.simulated_time_s, &c.accuracy, &c.throughput_samples_per_s})
      if (*mean) **mean /= double(c.done);
  return made;
}

std::vector<std::string> short_names(const std::vector<std::string>& keys) {
  std::vector<std::string> names;
  for (const std::string& key : keys) {
    std::string name = key;
    const std::string last = key.substr(key.rfind('.') + 1);
    const auto ends_so = [&](const std::string& other) { return other == last || other.ends_with("." + last); };
    if (std::count_if(keys.begin(), keys.end(), ends_so) == 1) name = last;
    names.push_back(name);
  }
  return names;
}

std::string short_value(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_object() || !value.contains("kind")) return value.dump();
  std::string text = short_value(value["kind"]);
  std::string rest;
  for (const auto& [key, each] : value.items())
    if (key != "kind") rest += fmt::format("{}{} {}", rest.empty() ? "" : ", ", key, short_value(each));
  return rest.empty() ? text : fmt::format("{} ({})", text, rest);
}

std::string aligned(const std::vector<std::vector<std::string>>& rows, std::size_t left, bool colour) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string gap(widths[i] - width(row[i]), ' ');
      line += " " + (i < left ? row[i] + gap : gap + row[i]) + " ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    const bool dim = colour && &row == rows.data();
    text += fmt::format("{}{}{}\n", dim ? "\x1b[2m" : "", line, dim ? "\x1b[0m" : "");
  }
  return text;
}

std::string to_table(const std::vector<Configuration>& all, bool colour) {
  if (all.empty()) return "";
  std::vector<std::string> keys;
  const Json first = Json::parse(all[0].axes);
  for (const auto& [key, value] : first.items()) keys.push_back(key);
  const bool accurate = std::any_of(all.begin(), all.end(), [](const auto& c) { return c.accuracy.has_value(); });
  std::vector<std::vector<std::string>> rows{short_names(keys)};
  for (const char* name : {"runs", "failed", "simulated time"}) rows[0].emplace_back(name);
  if (accurate) rows[0].emplace_back("accuracy");
  rows[0].emplace_back("samples/s");
  for (const Configuration& c : all) {
    std::vector<std::string> row;
    const Json own = Json::parse(c.axes);
    for (const auto& [key, value] : own.items()) row.push_back(short_value(value));
    const std::size_t of = c.done + c.failed + c.waiting;
    row.push_back(c.waiting ? fmt::format("{} of {}", c.done, of) : std::to_string(c.done));
    row.push_back(c.failed ? std::to_string(c.failed) : "-");
    row.push_back(c.simulated_time_s ? show_duration(*c.simulated_time_s) : "-");
    if (accurate) row.push_back(c.accuracy ? fmt::format("{:.4f}", *c.accuracy) : "-");
    row.push_back(c.throughput_samples_per_s ? show_count(*c.throughput_samples_per_s) : "-");
    rows.push_back(std::move(row));
  }
  return aligned(rows, keys.size(), colour);
}

}  // namespace paceline
