// Table: labelled rows of float32 in memory.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include "models/dataset.hpp"

namespace paceline {

class Table : public Dataset {
 public:
  explicit Table(const DataShape& shape) : shape_(shape) {}

  const DataShape& shape() const override { return shape_; }

  void fetch(Part part, std::span<const std::uint32_t> rows, float* x, std::int32_t* labels) const override {
    const auto width = std::size_t(shape_.features);
    for (std::uint32_t row : rows) {
      if (row >= shape_.rows(part)) throw std::out_of_range(fmt::format("row {} of {}", row, shape_.rows(part)));
      x = std::copy_n(x_[std::size_t(part)].data() + row * width, width, x);
      *labels++ = labels_[std::size_t(part)][row];
    }
  }

 protected:
  void add(Part part, std::span<const float> x, std::int32_t label) {
    x_[std::size_t(part)].insert(x_[std::size_t(part)].end(), x.begin(), x.end());
    labels_[std::size_t(part)].push_back(label);
  }

  DataShape shape_;

 private:
  std::array<std::vector<float>, 2> x_;              // by Part; [rows, features]
  std::array<std::vector<std::int32_t>, 2> labels_;  // by Part
};

}  // namespace paceline
