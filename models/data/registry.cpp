#include "models/dataset.hpp"

#define KINDS(kind) kind(fashion_mnist) kind(blobs)
PACELINE_REGISTRY(DatasetMaker, datasets, "dataset", KINDS)
