// Linear: real targets y = w·x + noise·ε, with w, x and ε standard normal. Every number comes from a counter: a row
// depends on (seed, part, row) and the features alone, not on how many rows there are.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include "models/dataset.hpp"
#include "sim/core/random.hpp"

namespace paceline {
namespace {

class LinearData : public Dataset {
 public:
  LinearData(const DataShape& shape, double noise, std::uint64_t seed) : shape_(shape) {
    const auto width = std::size_t(shape.features);
    std::vector<double> w(width);
    const Stream weights(seed, "linear weights", 0);
    for (std::size_t i = 0; i < width; ++i) w[i] = normal_quantile(weights.uniform(i));
    for (Part part : {Part::train, Part::test}) {
      auto& rows = rows_[std::size_t(part)];
      rows.reserve(shape.rows(part) * (width + 1));
      for (std::size_t row = 0; row < shape.rows(part); ++row) {
        const Stream draws(seed, part == Part::train ? "linear train" : "linear test", row);
        double y = noise * normal_quantile(draws.uniform(width));
        for (std::size_t i = 0; i < width; ++i) {
          rows.push_back(float(normal_quantile(draws.uniform(i))));
          y += w[i] * double(rows.back());
        }
        rows.push_back(float(y));
      }
    }
  }

  const DataShape& shape() const override { return shape_; }

  void fetch(Part part, std::span<const std::uint32_t> rows, float* x, std::int32_t*) const override {
    for (std::uint32_t row : rows) {
      if (row >= shape_.rows(part)) throw std::out_of_range(fmt::format("row {} of {}", row, shape_.rows(part)));
      x = std::copy_n(rows_[std::size_t(part)].data() + row * shape_.numbers(), shape_.numbers(), x);
    }
  }

 private:
  DataShape shape_;
  std::array<std::vector<float>, 2> rows_;  // by Part; [rows, features + 1]
};

}  // namespace

namespace datasets {

DatasetMaker linear(Reader& in) {
  in.about("Rows with a real target, linear in normal features but for Gaussian noise; generated from the seed.");
  DataShape shape;
  shape.features =
      int(in.integer("features", {.minimum = 1, .maximum = 1 << 20, .fallback = 20, .help = "numbers per row"}));
  shape.train_rows = std::size_t(
      in.integer("rows", {.minimum = 1, .maximum = 1 << 30, .fallback = 10'000, .help = "rows to train on"}));
  shape.test_rows = std::size_t(
      in.integer("test_rows", {.minimum = 1, .maximum = 1 << 30, .fallback = 1'000, .help = "rows to test on"}));
  const double noise =
      in.number("noise", {.minimum = 0, .fallback = 0.1, .help = "standard deviation of a target around w·x"});
  const auto given = in.optional_integer("seed", {.minimum = 0, .help = "of the data; by default the scenario's"});
  const std::uint64_t seed = given ? std::uint64_t(*given) : in.context().seed;
  shape.width = shape.features;
  shape.labels = 0;
  shape.targets = 1;
  constexpr std::size_t most = std::size_t{1} << 32;
  if ((shape.train_rows + shape.test_rows) * shape.numbers() > most)
    in.fail("", "these rows are more than 2³² numbers (16 GiB)");
  return {[shape] { return shape; }, [=] { return std::make_shared<const LinearData>(shape, noise, seed); }};
}

}  // namespace datasets
}  // namespace paceline
