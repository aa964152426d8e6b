#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sim/experiment/calibrate/fits.hpp"
#include "sim/experiment/experiment.hpp"
#include "sim/experiment/expression.hpp"
#include "sim/experiment/parse.hpp"

namespace paceline {
namespace {

struct Table {
  Place place{};
  std::vector<std::string> names{};
  std::size_t figure = 0;  // its column
  std::vector<std::vector<std::string>> rows{};
  std::vector<double> measured{};
};

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r"), last = text.find_last_not_of(" \t\r");
  if (first == text.npos) return "";
  const bool quoted = last > first && text[first] == '"' && text[last] == '"';
  return text.substr(first + quoted, last - first + 1 - 2 * std::size_t(quoted));
}

Table read_table(const std::string& path) {
  Table table{.place = {std::make_shared<std::string>(path)}};
  const Place& place = table.place;
  std::string text = read_file(path, std::size_t{16} << 20);
  if (constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF"; text.starts_with(byte_order_mark))
    text.erase(0, byte_order_mark.size());
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (trimmed(line).empty() || line[0] == '#') continue;
    std::vector<std::string> cells;
    std::istringstream written(line);
    for (std::string cell; std::getline(written, cell, ',');) cells.push_back(trimmed(cell));
    if (table.names.empty()) table.names = cells;
    else table.rows.push_back(cells);
  }
  if (table.rows.empty())
    throw ConfigError(place, "", "must be a table: a line of names, and a line for each measurement");
  const auto is_figure = [](const std::string& name) { return name.find('.') == name.npos; };
  const auto figure = std::find_if(table.names.begin(), table.names.end(), is_figure);
  if (std::count_if(table.names.begin(), table.names.end(), is_figure) != 1)
    throw ConfigError(place, "",
                      "must name one figure of the summary, as in throughput_samples_per_s, beside dotted keys");
  table.figure = std::size_t(figure - table.names.begin());
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    const std::string pointer = fmt::format("/row {}", r + 1);
    if (table.rows[r].size() != table.names.size())
      throw ConfigError(place, pointer, fmt::format("has {} cells, not {}", table.rows[r].size(), table.names.size()));
    const std::string& cell = table.rows[r][table.figure];
    double value = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc{} || end != cell.data() + cell.size() || !(value > 0) || !std::isfinite(value))
      throw ConfigError(place, pointer, fmt::format("\"{}\" must be a number above 0", cell));
    table.measured.push_back(value);
  }
  return table;
}

double simulated(const Table& table, std::size_t row, Node scenario) {
  for (std::size_t c = 0; c < table.names.size(); ++c)
    if (c != table.figure) set_key(scenario, table.names[c] + "=" + table.rows[row][c]);
  set_key(scenario, "output.steps=false");
  const Spec spec = parse_scenario(std::move(scenario), "calibrate");
  Threads threads(1);
  Experiment experiment(spec, threads);
  const Results results = experiment.run();
  if (results.reason == "deadlock" || results.reason == "limit")
    throw ConfigError(table.place, fmt::format("/row {}", row + 1), "cannot be fitted: " + results.detail);
  const Node summary = parse_document(summary_json(results).dump(), "summary");
  const std::string& figure = table.names[table.figure];
  if (!summary.find(figure)) {
    std::vector<std::string> names;
    for (const Member& member : summary.members) names.push_back(member.key);
    throw ConfigError(
        table.place, "",
        fmt::format("no figure of the summary is called \"{}\"{}", figure, did_you_mean_one_of(figure, names)));
  }
  return Expression(Node::of_text(figure), "/" + figure).number(summary);
}

}  // namespace

Fitted fit_table(const std::string& path, const std::string& scenario, const std::vector<std::string>& keys) {
  const Table table = read_table(path);
  Fitted fitted{.name = table.names[table.figure]};
  fitted.measured = table.measured;
  for (const auto& row : table.rows) {
    std::string label;
    for (std::size_t c = 0; c < row.size(); ++c)
      if (c != table.figure)
        label += (label.empty() ? "" : ", ") + table.names[c].substr(table.names[c].rfind('.') + 1) + " " + row[c];
    fitted.labels.push_back(label);
  }
  const Node start = read_extended(scenario);
  std::vector<Knob> knobs;
  for (const std::string& key : keys) {
    const bool twice = std::count(keys.begin(), keys.end(), key) > 1;
    if (twice || std::count(table.names.begin(), table.names.end(), key) > 0)
      throw ConfigError(
          table.place, "",
          fmt::format("\"{}\" is {}", key, twice ? "to be fitted twice" : "a column; it cannot be fitted, too"));
    knobs.push_back(knob_of(start, key, key.ends_with("overhead") ? std::optional(Dimension::duration) : std::nullopt));
  }
  fitted.made = calibrate(start, std::move(knobs), fitted.measured, [&](const Node& with) {
    std::vector<double> values;
    for (std::size_t row = 0; row < table.rows.size(); ++row) values.push_back(simulated(table, row, with));
    return values;
  });
  return fitted;
}

}  // namespace paceline
