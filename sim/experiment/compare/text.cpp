// The tables that people read: what each configuration did, then how it differs from its baseline.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "sim/core/units.hpp"
#include "sim/experiment/compare/comparison.hpp"

namespace paceline::compare {
namespace {

// How many columns a text takes: a code point each.
std::size_t width_of(std::string_view text) {
  return std::size_t(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

class Table {
 public:
  explicit Table(std::size_t rows) : rows_(rows) {}

  void add(std::string header, const std::function<std::string(std::size_t)>& cell, bool left = false) {
    Column column{std::move(header), {}, 0, left};
    column.width = width_of(column.header);
    for (std::size_t i = 0; i < rows_; ++i) {
      column.cells.push_back(cell(i));
      column.width = std::max(column.width, width_of(column.cells.back()));
    }
    columns_.push_back(std::move(column));
  }
  // Only where one of its cells says something.
  void add_if_any(std::string header, const std::function<std::string(std::size_t)>& cell) {
    add(std::move(header), cell);
    const auto& cells = columns_.back().cells;
    if (std::all_of(cells.begin(), cells.end(), [](const std::string& text) { return text.empty() || text == "-"; }))
      columns_.pop_back();
  }
  std::string text() const {
    std::string made = line([](const Column& column) { return column.header; });
    for (std::size_t i = 0; i < rows_; ++i) made += line([i](const Column& column) { return column.cells[i]; });
    return made;
  }

 private:
  struct Column {
    std::string header;
    std::vector<std::string> cells;
    std::size_t width;
    bool left;
  };
  std::string line(const std::function<std::string(const Column&)>& cell) const {
    std::string made;
    for (const Column& column : columns_) {
      const std::string text = cell(column), blank(column.width - width_of(text), ' ');
      made += "  " + (column.left ? text + blank : blank + text);
    }
    return made.substr(0, made.find_last_not_of(' ') + 1) + "\n";
  }

  std::size_t rows_;
  std::vector<Column> columns_;
};

std::string percent(double share) {
  const double size = std::abs(share);
  return fmt::format("{:.{}f} %", 100 * share, size >= 0.1 || size == 0 ? 0 : size >= 0.01 ? 1 : 2);
}

// "12.34 s ±1.2 %"; without an interval, or where it is nothing, only the mean.
std::string with_interval(const Estimate& estimate, const std::string& mean) {
  const double relative = estimate.half_interval.value_or(0) / std::abs(estimate.mean);
  return relative < 5e-5 || estimate.mean == 0 ? mean : fmt::format("{} ±{}", mean, percent(relative));
}

std::string cell(const Row& row, Measure measure, std::string (*show)(double)) {
  return row.of(measure) ? with_interval(*row.of(measure), show(row.of(measure)->mean)) : "-";
}
// Where some seeds never came to the accuracy a mean of the others would flatter it.
std::string accurate_cell(const Row& row, Measure measure, std::string (*show)(double)) {
  const std::size_t n = row.configuration->samples.size();
  return row.reached == n   ? cell(row, measure, show)
         : row.reached == 0 ? "never"
                            : fmt::format("{} of {}", row.reached, n);
}
std::string accuracy_cell(const Row& row) {
  const auto& accuracy = row.of(Measure::final_accuracy);
  if (!accuracy) return "-";
  const std::string mean = fmt::format("{:.2f}", 100 * accuracy->mean);
  return accuracy->half_interval ? fmt::format("{} ±{:.2f}", mean, 100 * *accuracy->half_interval) : mean;
}
std::string share_cell(const Row& row, Measure measure) {
  return row.of(measure) ? fmt::format("{:.1f}", 100 * row.of(measure)->mean) : "-";
}

void add_labels(Table& table, const Comparison& c, const std::vector<std::size_t>& rows) {
  const auto is_number = [](const Json& value) { return value.is_number(); };
  for (std::size_t a = 0; a < c.axes.size(); ++a) {
    const std::string short_name = c.axes[a].substr(c.axes[a].rfind('.') + 1);
    bool unique = true, numbers = true;
    for (std::size_t b = 0; b < c.axes.size(); ++b)
      unique = unique && (a == b || short_name != c.axes[b].substr(c.axes[b].rfind('.') + 1));
    for (const Row& row : c.rows) {
      const auto at = row.configuration->axes.find(c.axes[a]);
      numbers = numbers && at != row.configuration->axes.end() && is_number(*at);
    }
    table.add(
        unique ? short_name : c.axes[a], [&](std::size_t i) { return c.labels[rows[i]][a]; }, !numbers);
  }
  if (c.axes.empty())
    table.add(
        "scenario", [&](std::size_t i) { return c.rows[rows[i]].name; }, true);
}

std::string measured(const Comparison& c) {
  std::vector<std::size_t> rows(c.rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  Table table(rows.size());
  add_labels(table, c, rows);
  table.add("n", [&](std::size_t i) { return std::to_string(c.rows[i].configuration->samples.size()); });
  table.add("samples/s", [&](std::size_t i) { return cell(c.rows[i], Measure::throughput, show_count); });
  const bool reached = std::any_of(c.rows.begin(), c.rows.end(), [](const Row& row) { return row.reached > 0; });
  if (!reached)
    table.add("simulated time", [&](std::size_t i) { return cell(c.rows[i], Measure::simulated_time, show_duration); });
  if (!c.goal) {
    table.add("bytes", [&](std::size_t i) { return cell(c.rows[i], Measure::bytes, show_bytes); });
  } else {
    const std::string to = fmt::format("to {:.4g} %", 100 * c.goal->accuracy);
    table.add("accuracy", [&](std::size_t i) { return accuracy_cell(c.rows[i]); });
    table.add(to, [&](std::size_t i) { return accurate_cell(c.rows[i], Measure::time_to_accuracy, show_duration); });
    table.add("bytes", [&](std::size_t i) { return accurate_cell(c.rows[i], Measure::bytes_to_accuracy, show_bytes); });
  }
  const auto share = [&](const char* header, Measure measure) {
    table.add(header, [&, measure](std::size_t i) { return share_cell(c.rows[i], measure); });
  };
  share("compute", Measure::compute);
  share("comm.", Measure::communication);
  share("wait", Measure::wait);
  for (const auto& [header, measure] : {std::pair("queue", Measure::queue), {"down", Measure::down}})
    if (std::any_of(c.rows.begin(), c.rows.end(),
                    [m = measure](const Row& row) { return row.of(m) && row.of(m)->mean >= 0.0005; }))
      share(header, measure);
  if (c.rows.size() > 1) table.add("front", [&](std::size_t i) { return std::string(c.rows[i].on_front ? "o" : ""); });
  return table.text();
}

// A difference as a share of the baseline's mean: "-23.4 % ±0.9 *".
std::string relative_cell(const Comparison& c, const Row& row, Measure measure) {
  const auto& difference = row.against->differences[index(measure)];
  const auto& base = c.rows[row.against->baseline].of(measure);
  if (!difference || !base || base->mean == 0) return "-";
  std::string text = fmt::format("{:+.1f} %", 100 * difference->estimate.mean / base->mean);
  if (difference->estimate.half_interval)
    text += fmt::format(" ±{:.1f} {}", 100 * *difference->estimate.half_interval / base->mean,
                        difference->significant ? "*" : " ");
  return text;
}
std::string points_cell(const Row& row) {
  const auto& difference = row.against->differences[index(Measure::final_accuracy)];
  if (!difference) return "-";
  std::string text = fmt::format("{:+.2f}", 100 * difference->estimate.mean);
  if (difference->estimate.half_interval)
    text += fmt::format(" ±{:.2f} {}", 100 * *difference->estimate.half_interval, difference->significant ? "*" : " ");
  return text;
}
std::string show_ratio(const std::optional<Ratio>& ratio, double factor, int digits) {
  if (!ratio) return "-";
  std::string text = fmt::format("{:.{}f}", factor * ratio->ratio, digits);
  if (ratio->low)
    text += fmt::format(" ({:.{}f} to {:.{}f})", factor * *ratio->low, digits, factor * *ratio->high, digits);
  return text;
}

std::string differences(const Comparison& c) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < c.rows.size(); ++i)
    if (c.rows[i].against && c.rows[i].against->common_seeds > 0) rows.push_back(i);
  if (rows.empty()) return "";
  Table table(rows.size());
  add_labels(table, c, rows);
  const auto row = [&](std::size_t i) -> const Row& { return c.rows[rows[i]]; };
  table.add("speed-up", [&](std::size_t i) { return show_ratio(row(i).against->speed_up, 1, 2); });
  const bool scaled = std::any_of(rows.begin(), rows.end(), [&](std::size_t i) {
    return c.rows[i].configuration->workers != c.rows[c.rows[i].against->baseline].configuration->workers;
  });
  if (scaled) table.add("efficiency, %", [&](std::size_t i) { return show_ratio(row(i).against->efficiency, 100, 1); });
  table.add_if_any(c.goal ? "time to accuracy" : "simulated time",
                   [&](std::size_t i) { return relative_cell(c, row(i), c.time()); });
  table.add_if_any("bytes", [&](std::size_t i) { return relative_cell(c, row(i), c.bytes()); });
  table.add_if_any("accuracy, points", [&](std::size_t i) { return points_cell(row(i)); });
  std::string text = fmt::format("\nagainst {}, on common seeds\n\n", c.baseline) + table.text();
  if (c.tested > 0)
    text +=
        fmt::format("\n  * other than the baseline at 5 %{}\n",
                    c.tested > 1 ? fmt::format(" over all {} differences of a column together (Holm)", c.tested) : "");
  return text;
}

}  // namespace

std::string to_text(const Comparison& c) {
  std::size_t runs = 0, most = 0;
  for (const Row& row : c.rows) {
    runs += row.configuration->samples.size();
    most = std::max(most, row.configuration->samples.size());
  }
  std::string text = fmt::format("{} run{} of {} configuration{}", runs, runs == 1 ? "" : "s", c.rows.size(),
                                 c.rows.size() == 1 ? "" : "s");
  if (most > 1) text += "; means over n seeds, ± is half of the 95 % interval (Student's t)";
  text += "\n";
  if (c.goal)
    text += fmt::format("time and bytes to an accuracy of {:.4g} %: {}\n", 100 * c.goal->accuracy, c.goal->why);
  text += "\n" + measured(c);
  if (c.rows.size() > 1)
    text +=
        fmt::format("\n  o on the Pareto front of {}, {}bytes: no other one is better in one and as good in the rest\n",
                    c.goal ? "time to accuracy" : "simulated time", c.goal ? "best accuracy, " : "");
  return text + differences(c);
}

}  // namespace paceline::compare
