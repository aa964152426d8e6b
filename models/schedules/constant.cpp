// constant: 1.
#include "models/schedule.hpp"

namespace paceline::schedules {

Schedule constant(Reader& in) {
  in.about("the optimizer's learning rate throughout");
  return [](const Passed&) { return 1.0; };
}

}  // namespace paceline::schedules
