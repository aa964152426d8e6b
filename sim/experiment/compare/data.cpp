// The comparison as one JSON document and as CSV, a row per configuration; every number in full.
#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <map>

#include "sim/experiment/compare/comparison.hpp"

namespace paceline::compare {
namespace {

// Written straight into a text: a tree of values for each of tens of thousands of configurations takes seconds.
class Text {
 public:
  void add(std::string_view words) { text_ += words; }
  void number(const std::optional<double>& value) {
    if (value && std::isfinite(*value)) fmt::format_to(std::back_inserter(text_), "{}", *value);
    else text_ += "null";
  }
  void interval(const std::optional<double>& low, const std::optional<double>& high) {
    if (!low) return add("null");
    add("[");
    number(low);
    add(",");
    number(high);
    add("]");
  }
  void estimate(const Estimate& e) {  // without its last brace
    add(R"({"mean":)");
    number(e.mean);
    add(R"(,"interval":)");
    interval(e.half_interval ? std::optional(e.low()) : std::nullopt, e.high());
  }
  void ratio(const std::optional<Ratio>& r) {
    if (!r) return add("null");
    add(R"({"ratio":)");
    number(r->ratio);
    add(R"(,"interval":)");
    interval(r->low, r->high);
    add("}");
  }
  void difference(const Difference& d) {
    estimate(d.estimate);
    add(R"(,"p":)");
    number(d.p);
    add(!d.p ? R"(,"significant":null})" : d.significant ? R"(,"significant":true})" : R"(,"significant":false})");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string dump(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

void write(Text& text, const AgainstBaseline& against, const Comparison& c) {
  text.add(fmt::format(R"({{"baseline":{},"common_seeds":{},"speed_up":)", dump(c.rows[against.baseline].name),
                       against.common_seeds));
  text.ratio(against.speed_up);
  text.add(R"(,"efficiency":)");
  text.ratio(against.efficiency);
  text.add(R"(,"differences":{)");
  const char* comma = "";
  for (std::size_t m = 0; m < measures; ++m) {
    if (!against.differences[m]) continue;
    text.add(fmt::format(R"({}"{}":)", comma, measure_names[m]));
    text.difference(*against.differences[m]);
    comma = ",";
  }
  text.add("}}");
}

void write(Text& text, const Row& row, const Comparison& c) {
  const Configuration& own = *row.configuration;
  std::vector<std::uint64_t> seeds;
  std::map<std::string, int> reasons;
  for (const Sample& sample : own.samples) {
    seeds.push_back(sample.seed);
    ++reasons[sample.reason];
  }
  text.add(fmt::format(R"({{"name":{},"scenario":{},"axes":{},"workers":{},"n":{},"seeds":[{}],"ended_by":{},)",
                       dump(row.name), dump(own.scenario), dump(own.axes), own.workers, own.samples.size(),
                       fmt::join(seeds, ","), dump(reasons)));
  text.add(fmt::format(R"("reached_accuracy":{},"measures":{{)", c.goal ? std::to_string(row.reached) : "null"));
  for (std::size_t m = 0; m < measures; ++m) {
    text.add(fmt::format(R"({}"{}":)", m > 0 ? "," : "", measure_names[m]));
    if (row.estimates[m]) text.estimate(*row.estimates[m]);
    text.add(row.estimates[m] ? "}" : "null");
  }
  text.add(fmt::format(R"(}},"on_pareto_front":{},"against_baseline":)", row.on_front));
  if (row.against) write(text, *row.against, c);
  text.add(row.against ? "}" : "null}");
}

class Csv {
 public:
  void add(std::string_view text) {
    if (!text_.empty() && text_.back() != '\n') text_ += ',';
    if (text.find_first_of(",\"\n\r") == std::string_view::npos) {
      text_ += text;
      return;
    }
    text_ += '"';
    for (const char letter : text) text_ += letter == '"' ? "\"\"" : std::string(1, letter);
    text_ += '"';
  }
  void add(const std::optional<double>& value) { add(value && std::isfinite(*value) ? fmt::format("{}", *value) : ""); }
  // A mean and its interval.
  void add(const std::optional<Estimate>& e) {
    const bool known = e && e->half_interval;
    add(e ? std::optional(e->mean) : std::nullopt);
    add(known ? std::optional(e->low()) : std::nullopt);
    add(known ? std::optional(e->high()) : std::nullopt);
  }
  void add(const std::optional<Ratio>& r) {
    add(r ? std::optional(r->ratio) : std::nullopt);
    add(r ? r->low : std::nullopt);
    add(r ? r->high : std::nullopt);
  }
  void name(const std::string& name) {
    for (const char* part : {"", "_low", "_high"}) add(name + part);
  }
  void end() { text_ += '\n'; }
  std::string text_;
};

std::string cell_of(const Json& axes, const std::string& axis) {
  const auto at = axes.find(axis);
  return at == axes.end() || at->is_null() ? "" : at->is_string() ? at->get<std::string>() : at->dump();
}

}  // namespace

// A configuration to a line.
std::string to_json(const Comparison& c) {
  std::size_t runs = 0;
  for (const Row& row : c.rows) runs += row.configuration->samples.size();
  const Json head{
      {"runs", runs},
      {"confidence", 0.95},
      {"correction", "holm"},
      {"accuracy", c.goal ? Json{{"value", c.goal->accuracy}, {"why", c.goal->why}} : Json()},
      {"baseline", c.baseline},
      {"pareto_front_of",
       {measure_names[index(c.time())], measure_names[index(Measure::best_accuracy)], measure_names[index(c.bytes())]}},
      {"notes", c.notes}};
  std::string start = dump(head, 2);
  start.resize(start.rfind('\n'));  // its last brace comes after the configurations
  Text text;
  text.add(start);
  text.add(",\n  \"configurations\": [");
  for (const Row& row : c.rows) {
    text.add(&row == c.rows.data() ? "\n    " : ",\n    ");
    write(text, row, c);
  }
  text.add("\n  ]\n}\n");
  return text.take();
}

std::string to_csv(const Comparison& c) {
  Csv csv;
  csv.add("scenario");
  for (const std::string& axis : c.axes)
    if (axis != "scenario") csv.add(axis);
  for (const char* name : {"workers", "n", "reached_accuracy"}) csv.add(name);
  for (const char* name : measure_names) csv.name(name);
  csv.add("on_pareto_front");
  csv.add("common_seeds");
  csv.name("speed_up");
  csv.name("efficiency");
  for (const char* name : measure_names) {
    csv.name(fmt::format("{}_difference", name));
    csv.add(fmt::format("{}_significant", name));
  }
  csv.end();
  for (const Row& row : c.rows) {
    const Configuration& own = *row.configuration;
    csv.add(own.scenario);
    for (const std::string& axis : c.axes)
      if (axis != "scenario") csv.add(cell_of(own.axes, axis));
    csv.add(std::to_string(own.workers));
    csv.add(std::to_string(own.samples.size()));
    csv.add(c.goal ? std::to_string(row.reached) : "");
    for (const auto& each : row.estimates) csv.add(each);
    csv.add(row.on_front ? "true" : "false");
    csv.add(row.against ? std::to_string(row.against->common_seeds) : "");
    csv.add(row.against ? row.against->speed_up : std::nullopt);
    csv.add(row.against ? row.against->efficiency : std::nullopt);
    for (std::size_t m = 0; m < measures; ++m) {
      const Difference* difference =
          row.against && row.against->differences[m] ? &*row.against->differences[m] : nullptr;
      csv.add(difference ? std::optional(difference->estimate) : std::nullopt);
      csv.add(!difference || !difference->p ? "" : difference->significant ? "true" : "false");
    }
    csv.end();
  }
  return csv.text_;
}

}  // namespace paceline::compare
