// linear_scaling (Goyal et al. 2017, arXiv:1706.02677, section 2.1): another schedule, times N / `base_workers`, for a
// batch that N workers make N times as large.
#include "models/schedule.hpp"

namespace paceline::schedules {

Schedule linear_scaling(Reader& in) {
  in.about("another schedule, times the number of workers (Goyal et al. 2017)");
  const double base =
      in.number("base_workers", {.minimum = 0,
                                 .above_minimum = true,
                                 .fallback = 1,
                                 .help = "how many workers the optimizer's learning rate is meant for"});
  const Schedule then = in.kind("schedule", all(), {.fallback = "constant", .help = "the other one"});
  const double factor = in.context().workers / base;
  return [=](const Passed& passed) { return factor * then(passed); };
}

}  // namespace paceline::schedules
