#include "models/dataset.hpp"

// clang-format off
#define KINDS(kind) \
  kind(fashion_mnist) \
  kind(blobs) \
  kind(linear) \
  kind(quadratic_noise) \
  kind(text)
// clang-format on
PACELINE_REGISTRY(DatasetMaker, datasets, "dataset", KINDS)
