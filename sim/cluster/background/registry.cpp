#include "sim/cluster/background/background.hpp"

#define KINDS(kind) kind(poisson)

PACELINE_REGISTRY(BackgroundMaker, backgrounds, "background", KINDS)
