// A measured thing and our prediction of it. An item is a file of this folder:
//   {"title": …, "source": …, "calibrated": what was fitted on what, "predicted": what was not,
//    "asked": 0.05,                    of the mean absolute error of the predicted rows, relative
//    "why": …,                         what explains the error that is left; where more is left than asked, why
//    "unit": "s", "figure": "simulated_time_s",    an expression over a run's summary (sim/experiment/expression.hpp)
//    "scenario": a path or a scenario, "seeds": 1, of which the figure is the mean,
//    "rows": [{"name": …, "set": {KEY: VALUE}, "measured": 1.2, "calibrated": true}, {"name": …, "set": …, "rows":
//    […]}]}
// Rows nest: a row has the settings of all above it; it may have a "figure" or a "unit" of its own. A row that was
// calibrated on does not count. Instead of "measured" a row may have "below": NAME, its figure must be below that of
// the row of that name: of what was measured, only the order is to be met.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "sim/core/document.hpp"

namespace paceline::validation {

struct Row {
  std::vector<std::string> names;  // from the outermost
  std::string figure, unit, below;
  std::optional<double> measured;
  bool calibrated = false;
  std::vector<std::pair<std::string, Node>> set;
  double ours = 0;

  bool counts() const { return measured && !calibrated; }
  double error() const { return ours / *measured - 1; }
};

struct Item {
  std::string path, name, title, source, calibrated, predicted, why;
  std::optional<double> asked;
  Node scenario;
  int seeds = 1;
  std::vector<Row> rows;

  double mean_error() const;  // absolute, of the rows that count
  double largest_error() const;
  std::vector<std::string> broken() const;  // orders that are not met
  bool met() const;
  bool trains() const;  // its figures are of real gradients, so that they differ between processors
};

// Throws ConfigError.
Item read_item(const std::string& path);
// Its runs, one by one.
void run(Item& item);

// A line of the table of all items, and the item's own part of the README.
std::string line_of(const Item& item);
std::string section_of(const Item& item);

}  // namespace paceline::validation
