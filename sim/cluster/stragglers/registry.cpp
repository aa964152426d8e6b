#include "sim/cluster/stragglers/straggler.hpp"

#define KINDS(kind) kind(slow)

PACELINE_REGISTRY(StragglerMaker, stragglers, "straggler", KINDS)
