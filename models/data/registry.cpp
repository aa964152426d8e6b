#include "models/dataset.hpp"

// clang-format off
#define KINDS(kind) \
  kind(fashion_mnist) \
  kind(mnist) \
  kind(cifar10) \
  kind(csv) \
  kind(text) \
  kind(blobs) \
  kind(spirals) \
  kind(linear) \
  kind(quadratic_noise)
// clang-format on
PACELINE_REGISTRY(DatasetMaker, datasets, "dataset", KINDS)
