#include "sim/cluster/cost.hpp"

#define KINDS(kind) \
  kind(fixed)       \
  kind(model)       \
  kind(replay)

PACELINE_REGISTRY(CostMaker, costs, "cost", KINDS)
