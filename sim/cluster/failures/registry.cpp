#include "sim/cluster/failures/failure.hpp"

// clang-format off
#define KINDS(kind) \
  kind(exponential) \
  kind(replay) \
  kind(weibull)
// clang-format on

PACELINE_REGISTRY(FailureMaker, failures, "failure", KINDS)
