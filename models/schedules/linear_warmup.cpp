// linear_warmup (Goyal et al. 2017, arXiv:1706.02677, section 2.2): another schedule, times a factor that climbs from
// `start` to 1 over the length T:
//   (start + (1 − start) · min(1, t/T)) · schedule(t). The other's clock is the run's, too: its epoch 30 is the run's.
#include <algorithm>

#include "models/schedule.hpp"

namespace paceline::schedules {

Schedule linear_warmup(Reader& in) {
  in.about("another schedule, after a linear climb to it (Goyal et al. 2017)");
  const double start = in.number("start", {.minimum = 0, .fallback = 0, .help = "the factor at the beginning"});
  const Schedule then =
      in.kind("schedule", all(), {.fallback = "constant", .help = "the other, on the clock of the whole run"});
  const Stretch stretch = read_stretch(in, "passes over the training set until it has climbed");
  return
      [=](const Passed& passed) { return (start + (1 - start) * std::min(1.0, stretch.share(passed))) * then(passed); };
}

}  // namespace paceline::schedules
