#include "sim/cluster/jitter/jitter.hpp"

// clang-format off
#define KINDS(kind) \
  kind(constant) \
  kind(exponential) \
  kind(lognormal) \
  kind(normal) \
  kind(shifted_exponential)
// clang-format on

PACELINE_REGISTRY(Jitter, jitters, "jitter", KINDS)
