// Schedule: the learning rate over a run, as a factor on the optimizer's own: a pure function of how far the run is.
#pragma once
#include <functional>
#include <string_view>

#include "sim/core/registry.hpp"

namespace paceline {

// How far a run is when an update is made.
struct Passed {
  double epochs = 0, steps = 0;
};
using Schedule = std::function<double(const Passed&)>;

namespace schedules {
const Registry<Schedule>& all();
}

// A length in epochs or in steps.
struct Stretch {
  double length = 1;
  bool in_steps = false;
  double share(const Passed& passed) const { return (in_steps ? passed.steps : passed.epochs) / length; }  // of it
};
// Reads the keys `epochs` and `steps`, of which there must be one.
Stretch read_stretch(Reader& in, std::string_view help);

}  // namespace paceline
