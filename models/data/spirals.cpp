// Spirals: one arm per class, wound round each other in the plane (after Lang, Witbrock 1988, "Learning to tell two
// spirals apart"): a row of class c is
//   r (cos φ, sin φ) + noise · z,  φ = 2π (turns · r + c / classes),  r uniform in (0, 1), z standard normal.
// A row depends on (seed, part, row) alone, not on how many rows there are.
#include <cmath>
#include <numbers>

#include "models/data/table.hpp"
#include "sim/core/random.hpp"

namespace paceline {
namespace {

class Spirals final : public Table {
 public:
  Spirals(const DataShape& shape, double turns, double noise, std::uint64_t seed) : Table(shape) {
    for (Part part : {Part::train, Part::test})
      for (std::size_t row = 0; row < shape.rows(part); ++row) {
        const Stream draws(seed, part == Part::train ? "spirals train" : "spirals test", row);
        const auto label = std::int32_t(draws.below(std::uint64_t(shape.classes), 0));
        const double r = draws.uniform(1), angle = 2 * std::numbers::pi * (turns * r + double(label) / shape.classes);
        const float x[]{float(r * std::cos(angle) + noise * normal_quantile(draws.uniform(2))),
                        float(r * std::sin(angle) + noise * normal_quantile(draws.uniform(3)))};
        add(part, x, label);
      }
  }
};

}  // namespace

namespace datasets {

DatasetMaker spirals(Reader& in) {
  in.about("points of the plane on arms wound round each other, one per class, generated from the seed.");
  DataShape shape;
  shape.features = shape.width = 2;
  shape.classes = int(in.integer("classes", {.minimum = 2, .maximum = 1 << 16, .fallback = 2, .help = "arms"}));
  const double turns =
      in.number("turns", {.minimum = 0, .maximum = 1'000, .fallback = 1, .help = "of an arm round the centre"});
  const double noise =
      in.number("noise", {.minimum = 0, .fallback = 0.02, .help = "standard deviation, where an arm is 1 long"});
  shape.train_rows = std::size_t(
      in.integer("rows", {.minimum = 1, .maximum = 1 << 30, .fallback = 10'000, .help = "rows to train on"}));
  shape.test_rows = std::size_t(
      in.integer("test_rows", {.minimum = 1, .maximum = 1 << 30, .fallback = 1'000, .help = "rows to test on"}));
  const auto given = in.optional_integer("seed", {.minimum = 0, .help = "of the data; by default the scenario's"});
  const std::uint64_t seed = given ? std::uint64_t(*given) : in.context().seed;
  return {[shape] { return shape; }, [=] { return std::make_shared<const Spirals>(shape, turns, noise, seed); }};
}

}  // namespace datasets
}  // namespace paceline
