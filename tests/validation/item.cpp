#include "tests/validation/item.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/experiment/experiment.hpp"
#include "sim/experiment/expression.hpp"
#include "sim/experiment/parse.hpp"

namespace paceline::validation {
namespace {

constexpr const char* item_keys[] = {"title", "source", "calibrated", "predicted", "asked", "why",
                                     "unit",  "figure", "scenario",   "seeds",     "set",   "rows"};
constexpr const char* row_keys[] = {"name", "set", "measured", "calibrated", "rows", "figure", "unit", "below"};

template <class Keys>
void check_keys(const Node& object, const Keys& keys) {
  if (object.kind != Node::Kind::object) throw ConfigError(object.place, "", "must be an object");
  for (const Member& member : object.members)
    if (std::find(std::begin(keys), std::end(keys), member.key) == std::end(keys))
      throw ConfigError(member.place, "", fmt::format("unknown key \"{}\"", member.key));
}

std::string text_of(const Node& object, const char* key, const std::string& fallback) {
  const Node* found = object.find(key);
  if (found && found->kind != Node::Kind::text) throw ConfigError(found->place, key, "must be a text");
  return found ? found->text : fallback;
}

std::string needed_text(const Node& object, const char* key) {
  if (!object.find(key)) throw ConfigError(object.place, "", fmt::format("missing key \"{}\"", key));
  return text_of(object, key, "");
}

void add_rows(const Node& written, Row above, std::vector<Row>& rows) {
  if (const Node* name = written.find("name")) above.names.push_back(name->text);
  above.figure = text_of(written, "figure", above.figure);
  above.unit = text_of(written, "unit", above.unit);
  if (const Node* set = written.find("set"))
    for (const Member& member : set->members) above.set.emplace_back(member.key, member.value);
  if (const Node* inner = written.find("rows")) {
    for (const Node& row : inner->items) {
      check_keys(row, row_keys);
      add_rows(row, above, rows);
    }
    return;
  }
  above.below = text_of(written, "below", "");
  if (const Node* measured = written.find("measured")) above.measured = measured->number;
  const Node* calibrated = written.find("calibrated");
  above.calibrated = calibrated && calibrated->boolean;
  rows.push_back(std::move(above));
}

Node result_of(const Node& scenario, const std::string& name) {
  const Spec spec = parse_scenario(scenario, name);
  Threads threads(1);
  Experiment experiment(spec, threads);
  const Results results = experiment.run();
  if (!results.all_hold()) throw std::runtime_error(name + ": a self-check does not hold");
  if (results.reason == "deadlock" || results.reason == "limit")
    throw std::runtime_error(fmt::format("{}: {}", name, results.detail));
  return parse_document(summary_json(results).dump(), name);
}

std::string joined(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

// Four significant digits, as texts that compare.
std::string figure(double value) {
  if (value == 0) return "0";
  const int before = int(std::floor(std::log10(std::abs(value)))) + 1;
  return fmt::format("{:.{}f}", value, std::clamp(4 - before, 0, 12));
}
std::string percent(double share) {
  const std::string text = fmt::format("{:+.1f} %", 100 * share);
  return text == "-0.0 %" ? "+0.0 %" : text;
}
std::string unsigned_percent(double share) { return fmt::format("{:.{}f} %", 100 * share, share < .00995 ? 2 : 1); }

}  // namespace

double Item::mean_error() const {
  double sum = 0;
  std::int64_t rows_that_count = 0;
  for (const Row& row : rows)
    if (row.counts()) sum += std::abs(row.error()), ++rows_that_count;
  return rows_that_count ? sum / double(rows_that_count) : 0;
}

double Item::largest_error() const {
  double largest = 0;
  for (const Row& row : rows)
    if (row.counts()) largest = std::max(largest, std::abs(row.error()));
  return largest;
}

std::vector<std::string> Item::broken() const {
  std::map<std::string, double> figures;
  for (const Row& row : rows) figures[row.names.back()] = row.ours;
  std::vector<std::string> found;
  for (const Row& row : rows) {
    if (row.below.empty()) continue;
    if (!figures.contains(row.below)) throw std::runtime_error(path + ": there is no row " + row.below);
    if (!(row.ours < figures[row.below])) found.push_back(row.names.back() + " is not below " + row.below);
  }
  return found;
}

bool Item::trains() const {
  const Node* numerics = scenario.find("numerics");
  return !numerics || numerics->boolean;
}

bool Item::met() const { return broken().empty() && (!asked || mean_error() <= *asked); }

Item read_item(const std::string& path) {
  const Node document = read_document(path);
  check_keys(document, item_keys);
  Item item;
  item.path = path;
  item.name = std::filesystem::path(path).stem().string();
  item.title = needed_text(document, "title");
  item.source = needed_text(document, "source");
  item.calibrated = needed_text(document, "calibrated");
  item.predicted = needed_text(document, "predicted");
  item.why = text_of(document, "why", "");
  if (const Node* asked = document.find("asked")) item.asked = asked->number;
  if (const Node* seeds = document.find("seeds")) item.seeds = int(seeds->integer);
  const Node* scenario = document.find("scenario");
  if (!scenario) throw ConfigError(document.place, "", "missing key \"scenario\"");
  item.scenario =
      scenario->kind == Node::Kind::text ? read_extended(resolve_path(scenario->place, scenario->text)) : *scenario;
  Row top;
  top.figure = needed_text(document, "figure");
  add_rows(document, top, item.rows);
  return item;
}

void run(Item& item) {
  for (Row& row : item.rows) {
    Node scenario = item.scenario;
    for (const auto& [key, value] : row.set) set_key(scenario, key, value);
    Expression expression(Node::of_text(row.figure), "/figure");
    row.ours = 0;
    for (int seed = 1; seed <= item.seeds; ++seed) {
      if (item.seeds > 1) set_key(scenario, fmt::format("seed={}", seed));
      row.ours += expression.number(result_of(scenario, item.name)) / item.seeds;
    }
  }
}

std::string line_of(const Item& item) {
  const auto counted = std::count_if(item.rows.begin(), item.rows.end(), [](const Row& row) { return row.counts(); });
  const auto orders =
      std::count_if(item.rows.begin(), item.rows.end(), [](const Row& row) { return !row.below.empty(); });
  const auto amount = [](std::ptrdiff_t n, const char* what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
  };
  const std::string predicted = counted ? amount(counted, "figure") : amount(orders, "order");
  const std::string mean = counted ? unsigned_percent(item.mean_error()) : item.met() ? "all met" : "not all met";
  const std::string largest = counted ? unsigned_percent(item.largest_error()) : "";
  const std::string asked = item.asked ? "≤ " + fmt::format("{:g} %", 100 * *item.asked) : "";
  return fmt::format("| [{}](#{}) | {} | {} | {} | {} | {} |\n", item.title, item.name, item.calibrated, predicted,
                     mean, largest, asked.empty() || item.met() ? asked : asked + ": **missed**");
}

std::string section_of(const Item& item) {
  std::string text =
      fmt::format("<a id=\"{}\"></a>\n### {}\n\n[`{}.json`]({}.json). Source: {}. Calibrated: {}. Predicted: {}.\n\n",
                  item.name, item.title, item.name, item.name, item.source, item.calibrated, item.predicted);
  text += "| case | measured | ours | error |\n| --- | --- | --- | --- |\n";
  for (const Row& row : item.rows) {
    const std::string unit = row.unit.empty() ? "" : " " + row.unit;
    const std::string measured = row.measured        ? figure(*row.measured) + unit
                                 : row.below.empty() ? ""
                                                     : "below " + row.below;
    text += fmt::format("| {} | {} | {}{} | {} |\n", joined(row.names), measured, figure(row.ours), unit,
                        row.calibrated ? "calibrated"
                        : row.counts() ? percent(row.error())
                                       : "");
  }
  if (!item.why.empty()) text += "\n" + item.why + "\n";
  return text + "\n";
}

}  // namespace paceline::validation
