#include "models/dataset.hpp"

// clang-format off
#define KINDS(kind) \
  kind(fashion_mnist) \
  kind(blobs)
// clang-format on
PACELINE_REGISTRY(DatasetMaker, datasets, "dataset", KINDS)
