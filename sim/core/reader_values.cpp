// The plain values that a Reader reads: numbers, quantities, words, lists.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <set>

#include "sim/core/reader.hpp"

namespace paceline {
namespace {

using Kind = Node::Kind;

std::string shortest(double value) { return fmt::format("{}", value); }

// What a describing read returns: a value within the bounds.
double within(double minimum, double maximum, bool above) {
  if (std::isfinite(minimum)) return above ? minimum + 1 : minimum;
  return std::isfinite(maximum) ? maximum : 1;
}

std::string bounds(double minimum, double maximum, bool above) {
  std::string text;
  if (std::isfinite(minimum)) text += fmt::format(" {} {}", above ? "above" : "at least", shortest(minimum));
  if (std::isfinite(maximum)) text += fmt::format("{} at most {}", text.empty() ? "" : " and", shortest(maximum));
  return text;
}

std::string join(const std::vector<std::string>& names, std::string_view between = ", ") {
  return fmt::format("{}", fmt::join(names, between));
}

std::optional<int> whole(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

}  // namespace

// Numbers.

std::int64_t Reader::checked(std::string_view, const Node& value, const IntegerKey& spec,
                             const std::string& pointer) const {
  if (value.kind == Kind::number && std::abs(value.number) >= 0x1p53)
    reject(value, pointer, fmt::format("is too large for an integer: {}", value.show()));
  if (value.kind != Kind::integer) reject(value, pointer, fmt::format("must be an integer, not {}", value.show()));
  if (value.integer < spec.minimum)
    reject(value, pointer, fmt::format("must be at least {}, not {}", spec.minimum, value.integer));
  if (value.integer > spec.maximum)
    reject(value, pointer, fmt::format("must be at most {}, not {}", spec.maximum, value.integer));
  return value.integer;
}

namespace {
void describe_bounds(KeyDescription* described, const IntegerKey& spec) {
  if (!described) return;
  if (spec.minimum != std::numeric_limits<std::int64_t>::min()) described->minimum = double(spec.minimum);
  if (spec.maximum != std::numeric_limits<std::int64_t>::max()) described->maximum = double(spec.maximum);
  if (spec.fallback) described->fallback = fmt::format("{}", *spec.fallback);
}
void describe_bounds(KeyDescription* described, const NumberKey& spec) {
  if (!described) return;
  if (std::isfinite(spec.minimum)) described->minimum = spec.minimum;
  if (std::isfinite(spec.maximum)) described->maximum = spec.maximum;
  described->above_minimum = spec.above_minimum;
  if (spec.fallback) described->fallback = shortest(*spec.fallback);
}
std::int64_t within(const IntegerKey& spec) {
  return spec.minimum != std::numeric_limits<std::int64_t>::min() ? spec.minimum
                                                                  : std::min<std::int64_t>(spec.maximum, 1);
}
}  // namespace

std::int64_t Reader::integer(std::string_view key, IntegerKey spec) {
  describe_bounds(declare(key, "integer", spec.help, !spec.fallback), spec);
  const Node* found = value(key, !spec.fallback, fmt::format("an integer: {}", spec.help));
  if (!found) return spec.fallback.value_or(within(spec));
  return checked(key, *found, spec, pointer_to(key));
}

std::optional<std::int64_t> Reader::optional_integer(std::string_view key, IntegerKey spec) {
  describe_bounds(declare(key, "integer", spec.help, false), spec);
  const Node* found = value(key, false, "");
  if (!found) return {};
  return checked(key, *found, spec, pointer_to(key));
}

double Reader::number(std::string_view key, NumberKey spec) {
  describe_bounds(declare(key, "number", spec.help, !spec.fallback), spec);
  const Node* found = value(key, !spec.fallback, fmt::format("a number: {}", spec.help));
  if (!found) return spec.fallback.value_or(within(spec.minimum, spec.maximum, spec.above_minimum));
  return checked(*found, spec, pointer_to(key));
}

double Reader::checked(const Node& value, const NumberKey& spec, const std::string& pointer) const {
  if (value.kind != Kind::integer && value.kind != Kind::number)
    reject(value, pointer, fmt::format("must be a number, not {}", value.show()));
  const double number = value.number;
  if (number < spec.minimum || number > spec.maximum || (spec.above_minimum && number == spec.minimum))
    reject(value, pointer,
           fmt::format("must be{}, not {}", bounds(spec.minimum, spec.maximum, spec.above_minimum), shortest(number)));
  return number;
}

std::optional<double> Reader::optional_number(std::string_view key, NumberKey spec) {
  spec.fallback = 0;
  if (!description_ && !has(key)) return known_.emplace_back(key), std::nullopt;
  const double read = number(key, spec);
  if (description_) description_->keys.back().fallback.clear();
  return read;
}

std::optional<double> Reader::optional_quantity(std::string_view key, Dimension dimension, QuantityKey spec) {
  spec.fallback = std::numeric_limits<double>::quiet_NaN();
  const double read = quantity(key, dimension, spec);
  return std::isnan(read) ? std::nullopt : std::optional(read);
}

std::optional<double> Reader::optional_duration(std::string_view key, QuantityKey spec) {
  return optional_quantity(key, Dimension::duration, spec);
}

std::optional<double> Reader::optional_bandwidth(std::string_view key, QuantityKey spec) {
  return optional_quantity(key, Dimension::bandwidth, spec);
}

std::optional<double> Reader::optional_bytes(std::string_view key, QuantityKey spec) {
  return optional_quantity(key, Dimension::bytes, spec);
}

std::optional<double> Reader::duration_or(std::string_view key, std::string_view name, QuantityKey spec) {
  const Node* found = node_ ? node_->find(key) : nullptr;
  if (found && found->kind == Kind::text && found->text == name) {
    text(key, {.choices = {std::string(name)}, .help = spec.help});
    return std::nullopt;
  }
  if (found && found->kind == Kind::text && !parse_quantity(found->text, Dimension::duration))
    fail(key, fmt::format("must be a duration with a unit, as in \"{}\", or \"{}\", not \"{}\"",
                          example_of(Dimension::duration), name, found->text));
  const double read = duration(key, spec);
  if (description_) description_->keys.back().choices = {std::string(name)};
  return read;
}

double Reader::quantity(std::string_view key, Dimension dimension, const QuantityKey& spec) {
  if (KeyDescription* described = declare(key, name_of(dimension), spec.help, !spec.fallback)) {
    described->dimension = dimension;
    if (spec.fallback && std::isfinite(*spec.fallback)) {
      const double base = *spec.fallback;
      switch (dimension) {
        case Dimension::duration:
          described->fallback = fmt::format("\"{}s\"", base);
          break;
        case Dimension::bandwidth:
          described->fallback = fmt::format("\"{}Bps\"", base);
          break;
        case Dimension::bytes:
          described->fallback = fmt::format("\"{}B\"", base);
          break;
        case Dimension::compute:
          described->fallback = fmt::format("\"{}FLOPS\"", base);
          break;
      }
    }
    return spec.fallback.value_or(within(spec.minimum, spec.maximum, spec.above_minimum));
  }
  const std::string_view what = name_of(dimension), example = example_of(dimension);
  const Node* found = value(key, !spec.fallback, fmt::format("a {}, as in \"{}\": {}", what, example, spec.help));
  if (!found) return spec.fallback.value_or(within(spec.minimum, spec.maximum, spec.above_minimum));
  const auto rule = [&] {
    return fmt::format("a {} with a unit ({}), as in \"{}\"", what, accepted_units(dimension), example);
  };
  if (found->kind != Kind::text) fail(key, fmt::format("must be {}, not {}", rule(), found->show()));
  const auto quantity = parse_quantity(found->text, dimension);
  if (!quantity) fail(key, fmt::format("{} is not {}", found->show(), rule()));
  if (*quantity < spec.minimum || (spec.above_minimum && *quantity == spec.minimum))
    fail(key, spec.minimum == 0 ? fmt::format("must {}, not \"{}\"",
                                              spec.above_minimum ? "be above zero" : "not be negative", found->text)
                                : fmt::format("is below what is possible: \"{}\"", found->text));
  if (*quantity > spec.maximum || std::isinf(*quantity))
    fail(key, fmt::format("is above what is possible: \"{}\"", found->text));
  return *quantity;
}

// Words.

bool Reader::boolean(std::string_view key, bool fallback, std::string_view help) {
  if (KeyDescription* described = declare(key, "boolean", help, false))
    described->fallback = fallback ? "true" : "false";
  const Node* found = value(key, false, "");
  if (!found) return fallback;
  if (found->kind != Kind::boolean) fail(key, fmt::format("must be true or false, not {}", found->show()));
  return found->boolean;
}

std::string Reader::text(std::string_view key, TextKey spec) {
  if (KeyDescription* described = declare(key, spec.choices.empty() ? "text" : "choice", spec.help, !spec.fallback)) {
    described->choices = spec.choices;
    if (spec.fallback) described->fallback = "\"" + *spec.fallback + "\"";
  }
  const Node* found =
      value(key, !spec.fallback,
            fmt::format("{}: {}", spec.choices.empty() ? "a text" : "one of " + join(spec.choices), spec.help));
  if (!found) return spec.fallback ? *spec.fallback : spec.choices.empty() ? "" : spec.choices.front();
  if (found->kind != Kind::text) fail(key, fmt::format("must be a text, not {}", found->show()));
  if (!spec.choices.empty() && std::find(spec.choices.begin(), spec.choices.end(), found->text) == spec.choices.end())
    fail(key, fmt::format("unknown value \"{}\"{}", found->text, did_you_mean_one_of(found->text, spec.choices)));
  return found->text;
}

// Lists.

std::vector<std::int64_t> Reader::integers(std::string_view key, IntegerKey each) {
  describe_bounds(declare(key, "integers", each.help, false), each);
  const Node* found = value(key, false, "");
  std::vector<std::int64_t> values;
  if (!found) return values;
  if (found->kind != Kind::array) fail(key, fmt::format("must be a list of integers, not {}", found->show()));
  for (const Node& item : found->items)
    values.push_back(checked(key, item, each, fmt::format("{}/{}", pointer_to(key), values.size())));
  return values;
}

std::vector<std::int64_t> Reader::per_worker(std::string_view key, IntegerKey each) {
  const Node* found = node_ ? node_->find(key) : nullptr;
  if (!found || found->kind != Kind::array) {
    const std::int64_t all = integer(key, each);
    describe_as("integer or integers");
    return std::vector<std::int64_t>(std::size_t(context_->workers), all);
  }
  std::vector<std::int64_t> values = integers(key, each);
  if (int(values.size()) != context_->workers)
    fail(key, fmt::format("must be an integer, or a list of {}, one for each worker, not of {}", context_->workers,
                          values.size()));
  return values;
}

std::vector<double> Reader::numbers(std::string_view key, NumberKey each) {
  describe_bounds(declare(key, "numbers", each.help, false), each);
  const Node* found = value(key, false, "");
  std::vector<double> values;
  if (!found) return values;
  if (found->kind != Kind::array) fail(key, fmt::format("must be a list of numbers, not {}", found->show()));
  for (const Node& item : found->items)
    values.push_back(checked(item, each, fmt::format("{}/{}", pointer_to(key), values.size())));
  return values;
}

std::vector<std::int64_t> Reader::choice_or_integers(std::string_view key, TextKey choice, IntegerKey each,
                                                     std::string& chosen) {
  if (const Node* found = node_ ? node_->find(key) : nullptr) {
    if (found->kind == Kind::array && !found->items.empty()) return integers(key, each);
    if (found->kind != Kind::text)
      fail(key, fmt::format("must be {} or a list of integers, not {}", join(choice.choices),
                            found->kind == Kind::array ? "an empty one" : found->show()));
  }
  chosen = text(key, choice);
  describe_as("choice or nodes");
  return {};
}

std::vector<std::string> Reader::texts(std::string_view key, std::string_view help) {
  declare(key, "texts", help, false);
  const Node* found = value(key, false, "");
  std::vector<std::string> values;
  if (!found) return values;
  if (found->kind != Kind::array) fail(key, fmt::format("must be a list of texts, not {}", found->show()));
  for (const Node& item : found->items) {
    if (item.kind != Kind::text)
      reject(item, fmt::format("{}/{}", pointer_to(key), values.size()),
             fmt::format("must be a text, not {}", item.show()));
    values.push_back(item.text);
  }
  return values;
}

std::vector<std::vector<double>> Reader::table(std::string_view key, std::string_view help, TableKey spec) {
  declare(key, "table", help, spec.required);
  const Node* found = value(key, spec.required, help);
  std::vector<std::vector<double>> rows;
  if (!found) return rows;
  if (found->kind != Kind::array) fail(key, fmt::format("must be a list of rows of numbers, not {}", found->show()));
  for (const Node& row : found->items) {
    const std::string pointer = fmt::format("{}/{}", pointer_to(key), rows.size());
    if (row.kind != Kind::array) reject(row, pointer, fmt::format("must be a row of numbers, not {}", row.show()));
    std::vector<double>& numbers = rows.emplace_back();
    for (const Node& item : row.items) {
      const bool gap = spec.gaps && item.kind == Kind::null;
      if (!gap && item.kind != Kind::integer && item.kind != Kind::number)
        reject(item, fmt::format("{}/{}", pointer, numbers.size()),
               fmt::format("must be a number, not {}", item.show()));
      numbers.push_back(gap ? NAN : item.number);
    }
  }
  return rows;
}

std::vector<int> Reader::workers(std::string_view key, std::string_view help) {
  declare(key, "workers", help, true);
  const Node* found = value(key, true, "workers, as in \"3\", \"0-3,7\" or [0, 1]");
  return found ? read_workers(key, *found) : std::vector<int>{};
}

std::vector<int> Reader::workers_or_all(std::string_view key, std::string_view help) {
  declare(key, "workers", help, false);
  if (const Node* found = value(key, false, "")) return read_workers(key, *found);
  std::vector<int> all(std::size_t(context_->workers));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::vector<int> Reader::read_workers(std::string_view key, const Node& found) {
  std::set<int> chosen;
  const auto add = [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t worker : {first, last})
      if (worker < 0 || worker >= context_->workers)
        fail(key, fmt::format("there is no worker {}: the cluster has {}, numbered from 0", worker, context_->workers));
    if (first > last) fail(key, fmt::format("the range {}-{} runs backwards", first, last));
    for (std::int64_t worker = first; worker <= last; ++worker) chosen.insert(int(worker));
  };
  if (found.kind == Kind::integer) {
    add(found.integer, found.integer);
  } else if (found.kind == Kind::array) {
    for (std::size_t i = 0; i < found.items.size(); ++i) {
      const Node& item = found.items[i];
      if (item.kind != Kind::integer)
        reject(item, fmt::format("{}/{}", pointer_to(key), i),
               fmt::format("must be the index of a worker, not {}", item.show()));
      add(item.integer, item.integer);
    }
  } else if (found.kind == Kind::text) {
    std::string_view rest = found.text;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      const std::string_view part = rest.substr(0, comma);
      rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
      const auto dash = part.find('-');
      const auto first = whole(part.substr(0, dash)), last = dash == part.npos ? first : whole(part.substr(dash + 1));
      if (!first || !last)
        fail(key, fmt::format("\"{}\" is not a list of workers, as in \"3\" or \"0-3,7\"", found.text));
      add(*first, *last);
    }
  } else {
    fail(key, fmt::format("must be workers, as in \"3\", \"0-3,7\" or [0, 1], not {}", found.show()));
  }
  if (chosen.empty()) fail(key, "names no worker");
  return {chosen.begin(), chosen.end()};
}

}  // namespace paceline
