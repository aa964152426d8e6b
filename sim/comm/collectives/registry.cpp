#include "sim/comm/collectives/all_reduce.hpp"

#define KINDS(kind) kind(ring)

PACELINE_REGISTRY(AllReduceMaker, collectives, "collective", KINDS)
