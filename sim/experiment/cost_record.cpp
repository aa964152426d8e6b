#include "sim/experiment/cost_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

namespace paceline {
namespace {

// A table of numbers, a line a row; the shortest form that reads back to the same bits.
void add_table(std::string& out, std::string_view key, std::size_t rows, std::size_t columns,
               const std::function<double(std::size_t row, std::size_t column)>& number) {
  const auto end = std::back_inserter(out);
  fmt::format_to(end, ",\n  \"{}\": [", key);
  for (std::size_t row = 0; row < rows; ++row) {
    out += row ? ",\n    [" : "\n    [";
    for (std::size_t column = 0; column < columns; ++column) {
      if (column) out += ", ";
      const double value = number(row, column);
      if (value == value) fmt::format_to(end, "{}", value);
      else out += "null";
    }
    out += ']';
  }
  out += "\n  ]";
}

}  // namespace

void CostRecord::add(const CostRow& row) { drawn_[std::size_t(row.worker)].push_back(row); }

std::string CostRecord::to_json() const {
  std::size_t steps = 0;
  bool updates = false;
  for (const auto& rows : drawn_) {
    steps = std::max(steps, rows.size());
    updates = updates || std::any_of(rows.begin(), rows.end(), [](const CostRow& row) { return row.update > 0; });
  }
  std::string out = "{\n  \"unit\": \"s\"";
  const auto add = [&](std::string_view key, auto figure) {
    add_table(out, key, steps, drawn_.size(), [&](std::size_t step, std::size_t worker) {
      return step < drawn_[worker].size() ? figure(drawn_[worker][step]) : NAN;
    });
  };
  add("durations", [](const CostRow& row) { return row.forward + row.backward; });
  add("forward", [](const CostRow& row) { return row.forward; });
  add("backward", [](const CostRow& row) { return row.backward; });
  if (updates) add("update", [](const CostRow& row) { return row.update; });
  const auto end = std::back_inserter(out);
  fmt::format_to(end, ",\n  \"batch_sizes\": [{}]", fmt::join(batch_sizes_, ", "));
  fmt::format_to(end, ",\n  \"server_update\": {},\n  \"gradient_bytes\": {}", cost_.server_update(),
                 cost_.gradient_bytes());
  const std::vector<double> tensors = cost_.tensor_bytes();
  if (!tensors.empty()) {
    fmt::format_to(end, ",\n  \"tensor_bytes\": [{}]", fmt::join(tensors, ", "));
    std::vector<double> yielded;
    for (const double bytes : tensors) yielded.push_back(bytes + (yielded.empty() ? 0 : yielded.back()));
    add_table(out, "ready", drawn_.size(), tensors.size(),
              [&](std::size_t worker, std::size_t tensor) { return cost_.ready(int(worker), yielded[tensor]); });
  }
  return out + "\n}\n";
}

}  // namespace paceline
