#include "sim/cluster/jitter/jitter.hpp"

// clang-format off
#define KINDS(kind) \
  kind(bimodal) \
  kind(constant) \
  kind(empirical) \
  kind(exponential) \
  kind(gamma) \
  kind(lognormal) \
  kind(normal) \
  kind(pareto) \
  kind(shifted_exponential) \
  kind(uniform)
// clang-format on

PACELINE_REGISTRY(Jitter, jitters, "jitter", KINDS)
