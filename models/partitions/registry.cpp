#include "models/partition.hpp"

// clang-format off
#define KINDS(kind) \
  kind(shared) \
  kind(iid) \
  kind(by_label) \
  kind(dirichlet) \
  kind(weighted) \
  kind(proportional)
// clang-format on

PACELINE_REGISTRY(PartitionMaker, partitions, "partition", KINDS)
