#include "sim/cluster/cost.hpp"

// clang-format off
#define KINDS(kind) \
  kind(fixed) \
  kind(layer_trace) \
  kind(model) \
  kind(profile) \
  kind(replay)
// clang-format on

PACELINE_REGISTRY(CostMaker, costs, "cost", KINDS)
