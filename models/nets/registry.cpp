#include "models/model.hpp"

// clang-format off
#define KINDS(kind) \
  kind(softmax_regression) \
  kind(mlp) \
  kind(cnn)
// clang-format on
PACELINE_REGISTRY(ModelMaker, models, "model", KINDS)
