// Rows in blocks of fixed height: the same rows give the same sums, whoever computes them and on however many threads.
#pragma once
#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "models/model.hpp"

namespace paceline {

template <class Real>
struct Block {
  int n;
  const Real* x;               // [n, features + targets]
  const std::int32_t* labels;  // [n, labels]
  std::size_t first;           // index of its first row among all
};

// Calls each(Block<Real>) in order. The workspace is cleared for every block; x and labels come from it.
template <class Real, class Each>
void for_blocks(const Rows& rows, std::size_t height, Workspace& workspace, const Each& each) {
  single_threaded();
  const std::size_t width = rows.data.shape().numbers();
  for (std::size_t first = 0; first < rows.rows.size(); first += height) {
    const auto part = rows.rows.subspan(first, std::min(height, rows.rows.size() - first));
    workspace.clear();
    auto* labels = workspace.take<std::int32_t>(part.size() * std::size_t(rows.data.shape().labels));
    auto* x = workspace.take<float>(part.size() * width);
    rows.data.fetch(rows.part, part, x, labels);
    if constexpr (std::is_same_v<Real, float>) {
      each(Block<float>{int(part.size()), x, labels, first});
    } else {
      auto* wide = workspace.take<Real>(part.size() * width);
      std::copy_n(x, part.size() * width, wide);
      each(Block<Real>{int(part.size()), wide, labels, first});
    }
  }
}

}  // namespace paceline
