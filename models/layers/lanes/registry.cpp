#include "models/layers/lanes/layer.hpp"

// clang-format off
#define KINDS(kind) \
  kind(conv) \
  kind(relu) \
  kind(max_pool) \
  kind(linear)
// clang-format on
PACELINE_REGISTRY(LayerMaker, layers, "layer", KINDS)
