#include "models/dataset.hpp"

// clang-format off
#define KINDS(kind) \
  kind(fashion_mnist) \
  kind(mnist) \
  kind(cifar10) \
  kind(csv) \
  kind(blobs) \
  kind(spirals)
// clang-format on
PACELINE_REGISTRY(DatasetMaker, datasets, "dataset", KINDS)
