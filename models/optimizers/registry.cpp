#include "models/optimizer.hpp"

// clang-format off
#define KINDS(kind) \
  kind(sgd) \
  kind(adam) \
  kind(adamw) \
  kind(lars) \
  kind(lamb)
// clang-format on

PACELINE_REGISTRY(OptimizerMaker, optimizers, "optimizer", KINDS)
