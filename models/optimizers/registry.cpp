#include "models/optimizer.hpp"

#define KINDS(kind) kind(sgd)
PACELINE_REGISTRY(OptimizerMaker, optimizers, "optimizer", KINDS)
