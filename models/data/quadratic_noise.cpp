// Noise for the model quadratic: a row is ξ ~ N(0, σ²I), its loss f(x) + ξᵀx, so its gradient ∇f(x) + ξ, unbiased with
// variance σ²·dimension. Rows are drawn when they are asked for, from a counter: (seed, row). The only row to test on
// is 0, with loss f(x) itself.
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "models/dataset.hpp"
#include "sim/core/random.hpp"

namespace paceline {
namespace {

class QuadraticNoise : public Dataset {
 public:
  QuadraticNoise(const DataShape& shape, double sigma, std::uint64_t seed)
      : shape_(shape), sigma_(sigma), seed_(seed) {}

  const DataShape& shape() const override { return shape_; }

  void fetch(Part part, std::span<const std::uint32_t> rows, float* x, std::int32_t*) const override {
    const auto width = std::size_t(shape_.features);
    for (std::uint32_t row : rows) {
      if (row >= shape_.rows(part)) throw std::out_of_range(fmt::format("row {} of {}", row, shape_.rows(part)));
      const Stream draws(seed_, "quadratic noise", row);
      if (part == Part::test || sigma_ == 0) std::fill_n(x, width, 0.0f);
      else
        for (std::size_t i = 0; i < width; ++i) x[i] = float(sigma_ * normal_quantile(draws.uniform(i)));
      x += width;
    }
  }

 private:
  DataShape shape_;
  double sigma_;
  std::uint64_t seed_;
};

}  // namespace

namespace datasets {

DatasetMaker quadratic_noise(Reader& in) {
  in.about("Gaussian noise on the gradient of the model quadratic: a row is a noise vector.");
  DataShape shape;
  shape.features =
      int(in.integer("dimension", {.minimum = 1, .maximum = 1 << 24, .fallback = 1'729, .help = "of the parameters"}));
  const double sigma = in.number(
      "sigma", {.minimum = 0, .fallback = 0.01, .help = "standard deviation of each coordinate of a row's noise"});
  shape.train_rows = std::size_t(in.integer(
      "rows", {.minimum = 1, .maximum = 1 << 30, .fallback = 1 << 20, .help = "different noise vectors, an epoch"}));
  const auto given = in.optional_integer("seed", {.minimum = 0, .help = "of the noise; by default the scenario's"});
  const std::uint64_t seed = given ? std::uint64_t(*given) : in.context().seed;
  shape.test_rows = 1;
  shape.width = shape.features;
  shape.labels = 0;
  return {[shape] { return shape; }, [=] { return std::make_shared<const QuadraticNoise>(shape, sigma, seed); }};
}

}  // namespace datasets
}  // namespace paceline
