#include "sim/cluster/jitter/jitter.hpp"

#define KINDS(kind)   \
  kind(constant)      \
  kind(exponential)   \
  kind(lognormal)     \
  kind(normal)        \
  kind(shifted_exponential)

PACELINE_REGISTRY(Jitter, jitters, "jitter", KINDS)
