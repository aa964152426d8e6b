#include "sim/comm/collective.hpp"

// clang-format off
#define KINDS(kind) \
  kind(auto_) \
  kind(custom) \
  kind(direct) \
  kind(double_tree) \
  kind(halving_doubling) \
  kind(hierarchical) \
  kind(in_network) \
  kind(recursive_doubling) \
  kind(ring) \
  kind(tree)
// clang-format on

PACELINE_REGISTRY(AlgorithmMaker, collectives, "collective", KINDS)
