#include "models/model.hpp"

// clang-format off
#define KINDS(kind) \
  kind(softmax_regression) \
  kind(mlp) \
  kind(cnn) \
  kind(linear_regression) \
  kind(quadratic) \
  kind(char_transformer)
// clang-format on
PACELINE_REGISTRY(ModelMaker, models, "model", KINDS)
