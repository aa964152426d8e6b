// Blobs: a Gaussian cluster per class, a task of any size with nothing to download. Centres are standard normal; a row
// is its centre plus `spread` times standard normal noise, its class uniform. Every number comes from a counter: a row
// depends on (seed, part, row) and the sizes of a row alone, not on how many rows there are.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include "models/dataset.hpp"
#include "sim/core/random.hpp"

namespace paceline {
namespace {

class Blobs : public Dataset {
 public:
  Blobs(const DataShape& shape, double spread, std::uint64_t seed) : shape_(shape) {
    const auto width = std::size_t(shape.features);
    std::vector<double> centres;  // [classes, features]
    for (std::size_t label = 0; label < std::size_t(shape.classes); ++label) {
      const Stream draws(seed, "blobs centre", label);
      for (std::size_t i = 0; i < width; ++i) centres.push_back(normal_quantile(draws.uniform(i)));
    }
    for (Part part : {Part::train, Part::test}) {
      auto& x = x_[std::size_t(part)];
      auto& labels = labels_[std::size_t(part)];
      x.reserve(shape.rows(part) * width);
      labels.reserve(shape.rows(part));
      for (std::size_t row = 0; row < shape.rows(part); ++row) {
        const Stream draws(seed, part == Part::train ? "blobs train" : "blobs test", row);
        const auto label = std::size_t(draws.below(std::uint64_t(shape.classes), 0));
        labels.push_back(std::int32_t(label));
        for (std::size_t i = 0; i < width; ++i)
          x.push_back(float(centres[label * width + i] + spread * normal_quantile(draws.uniform(1 + i))));
      }
    }
  }

  const DataShape& shape() const override { return shape_; }

  void fetch(Part part, std::span<const std::uint32_t> rows, float* x, std::int32_t* labels) const override {
    const auto width = std::size_t(shape_.features);
    for (std::uint32_t row : rows) {
      if (row >= shape_.rows(part)) throw std::out_of_range(fmt::format("row {} of {}", row, shape_.rows(part)));
      x = std::copy_n(x_[std::size_t(part)].data() + row * width, width, x);
      *labels++ = labels_[std::size_t(part)][row];
    }
  }

 private:
  DataShape shape_;
  std::array<std::vector<float>, 2> x_;              // by Part; [rows, features]
  std::array<std::vector<std::int32_t>, 2> labels_;  // by Part
};

}  // namespace

namespace datasets {

DatasetMaker blobs(Reader& in) {
  in.about("Gaussian clusters, one per class, generated from the seed.");
  DataShape shape;
  shape.features =
      int(in.integer("features", {.minimum = 1, .maximum = 1 << 20, .fallback = 20, .help = "numbers per row"}));
  shape.classes = int(in.integer("classes", {.minimum = 2, .maximum = 1 << 16, .fallback = 10, .help = "clusters"}));
  shape.train_rows = std::size_t(
      in.integer("train_rows", {.minimum = 1, .maximum = 1 << 30, .fallback = 10'000, .help = "rows to train on"}));
  shape.test_rows = std::size_t(
      in.integer("test_rows", {.minimum = 1, .maximum = 1 << 30, .fallback = 1'000, .help = "rows to test on"}));
  shape.width = shape.features;
  const double spread =
      in.number("spread", {.minimum = 0, .fallback = 1, .help = "standard deviation of a cluster; the centres' is 1"});
  const auto given = in.optional_integer("seed", {.minimum = 0, .help = "of the data; by default the scenario's"});
  const std::uint64_t seed = given ? std::uint64_t(*given) : in.context().seed;
  constexpr std::size_t most = std::size_t{1} << 32;
  if ((shape.train_rows + shape.test_rows + std::size_t(shape.classes)) * std::size_t(shape.features) > most)
    in.fail("", "these blobs are more than 2³² numbers (16 GiB)");
  return {[shape] { return shape; }, [=] { return std::make_shared<const Blobs>(shape, spread, seed); }};
}

}  // namespace datasets
}  // namespace paceline
