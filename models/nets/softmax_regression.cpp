#include "models/nets/mlp.hpp"

namespace paceline::models {

ModelMaker softmax_regression(Reader& in) {
  in.about("Softmax regression: one linear layer, mean cross-entropy; convex.");
  const auto seed =
      in.optional_integer("seed", {.minimum = 0, .help = "of the initial parameters; by default the scenario's"});
  return {[](const DataShape& data) { return std::make_unique<const Mlp>(data, std::vector<int>{}); }, seed};
}

}  // namespace paceline::models
