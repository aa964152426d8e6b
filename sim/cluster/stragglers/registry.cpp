#include "sim/cluster/stragglers/straggler.hpp"

// clang-format off
#define KINDS(kind) \
  kind(power) \
  kind(slow)
// clang-format on

PACELINE_REGISTRY(StragglerMaker, stragglers, "straggler", KINDS)
