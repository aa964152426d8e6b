#include "models/schedule.hpp"

// clang-format off
#define KINDS(kind) \
  kind(constant) \
  kind(step) \
  kind(cosine) \
  kind(linear_warmup) \
  kind(linear_scaling)
// clang-format on

PACELINE_REGISTRY(Schedule, schedules, "schedule", KINDS)

namespace paceline {

Stretch read_stretch(Reader& in, std::string_view help) {
  const auto epochs = in.optional_number("epochs", {.minimum = 0, .above_minimum = true, .help = help});
  const auto steps = in.optional_integer("steps", {.minimum = 1, .help = "the same, in steps of the run"});
  if (in.describing()) return {};
  in.finish();  // a misspelt key is the better message
  if (epochs.has_value() == steps.has_value())
    in.fail(steps ? "steps" : "", "needs a length: either \"epochs\" or \"steps\"");
  return steps ? Stretch{double(*steps), true} : Stretch{*epochs, false};
}

}  // namespace paceline
