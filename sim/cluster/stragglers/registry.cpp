#include "sim/cluster/stragglers/straggler.hpp"

// clang-format off
#define KINDS(kind) \
  kind(drift) \
  kind(periodic) \
  kind(power) \
  kind(replay) \
  kind(slow) \
  kind(spike) \
  kind(transient)
// clang-format on

PACELINE_REGISTRY(StragglerMaker, stragglers, "straggler", KINDS)
