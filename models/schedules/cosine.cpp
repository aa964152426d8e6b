// cosine (Loshchilov, Hutter 2017, arXiv:1608.03983, without restarts): over the length T, from 1 down to the minimum
// m,
//   m + (1 − m)/2 · (1 + cos(πt/T)), and m from then on.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "models/schedule.hpp"

namespace paceline::schedules {

Schedule cosine(Reader& in) {
  in.about("half a cosine from 1 down to a minimum (Loshchilov and Hutter 2017)");
  const double minimum =
      in.number("minimum", {.minimum = 0, .maximum = 1, .fallback = 0, .help = "the factor at the end, and after it"});
  const Stretch stretch = read_stretch(in, "passes over the training set until the minimum");
  return [=](const Passed& passed) {
    const double share = std::min(1.0, stretch.share(passed));
    return minimum + (1 - minimum) / 2 * (1 + std::cos(std::numbers::pi * share));
  };
}

}  // namespace paceline::schedules
