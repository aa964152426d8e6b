#include "models/model.hpp"

#define KINDS(kind) kind(softmax_regression) kind(mlp)
PACELINE_REGISTRY(ModelMaker, models, "model", KINDS)
