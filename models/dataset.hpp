// Dataset: rows to learn from, immutable, shared by all runs of a process. How one is laid out in memory is its own
// affair; models see float32 rows and what is to be predicted of each: labels, real targets, or nothing (noise).
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "sim/core/registry.hpp"

namespace paceline {

enum class Part { train, test };

struct DataShape {
  int features = 0;
  int classes = 0;
  std::size_t train_rows = 0, test_rows = 0;
  int channels = 1, height = 1, width = 0;  // of an image; features = channels · height · width
  int labels = 1;                           // of a row: a text has one for every feature, and its features are classes
  int targets = 0;                          // real numbers to predict, behind a row's features

  std::size_t rows(Part part) const { return part == Part::train ? train_rows : test_rows; }
  std::size_t numbers() const { return std::size_t(features + targets); }  // of a row
  bool image() const { return height > 1; }
  bool text() const { return labels > 1; }
};

class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual const DataShape& shape() const = 0;
  // x [n, features + targets], labels [n, labels] in [0, classes). Throws std::out_of_range for a row that is not
  // there.
  virtual void fetch(Part part, std::span<const std::uint32_t> rows, float* x, std::int32_t* labels) const = 0;
};

// Either may throw ConfigError (a file that is missing or malformed).
struct DatasetMaker {
  std::function<DataShape()> shape;  // reads no more than sizes
  std::function<std::shared_ptr<const Dataset>()> load;
};

namespace datasets {
const Registry<DatasetMaker>& all();
}

}  // namespace paceline
