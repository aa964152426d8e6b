// step: factorⁿ, with n the milestones that have been reached, or the whole multiples of `every` that have passed.
#include <algorithm>
#include <cmath>

#include "models/schedule.hpp"

namespace paceline::schedules {

Schedule step(Reader& in) {
  in.about("lower by a factor at every milestone, or every so often");
  const auto every = in.optional_number("every", {.minimum = 0, .above_minimum = true, .help = "this long, again"});
  const std::vector<double> milestones =
      in.numbers("milestones", {.minimum = 0, .help = "instead of `every`: when, ascending, as in [30, 60, 80]"});
  const bool in_steps =
      in.text("unit", {.choices = {"epochs", "steps"}, .fallback = "epochs", .help = "of these"}) == "steps";
  const double factor = in.number("factor", {.minimum = 0, .fallback = 0.1, .help = "on the rate, each time"});
  if (!in.describing()) {
    in.finish();
    if (every.has_value() == !milestones.empty())
      in.fail(every ? "milestones" : "", "needs either \"every\" or \"milestones\"");
    if (std::adjacent_find(milestones.begin(), milestones.end(), std::greater_equal<>()) != milestones.end())
      in.fail("milestones", "must ascend");
  }
  return [=](const Passed& passed) {
    constexpr double nearly = 1 + 1e-12;  // epochs are ratios: 3 · 0.1 is reached at 0.3
    const double now = (in_steps ? passed.steps : passed.epochs) * nearly;
    const auto reached = std::upper_bound(milestones.begin(), milestones.end(), now);
    return std::pow(factor, every ? std::floor(now / *every) : double(reached - milestones.begin()));
  };
}

}  // namespace paceline::schedules
