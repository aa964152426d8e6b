#include "models/nets/mlp.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/layers/cross_entropy.hpp"
#include "models/layers/linear.hpp"
#include "models/layers/relu.hpp"
#include "models/nets/blocks.hpp"
#include "models/nets/fit.hpp"

namespace paceline {
namespace {

// Tall enough that a product's set-up is lost in it, low enough that activations stay in the cache.
constexpr std::size_t block_rows = 512;

}  // namespace

Mlp::Mlp(const DataShape& data, const std::vector<int>& hidden) : widths_{data.features} {
  need_one_label(data, hidden.empty() ? "softmax_regression" : "mlp");
  widths_.insert(widths_.end(), hidden.begin(), hidden.end());
  widths_.push_back(data.classes);
  for (std::size_t l = 0; l < depth(); ++l) {
    const std::string name = hidden.empty() ? "fc" : fmt::format("fc{}", l + 1);
    add_tensor(name + ".weight", {widths_[l + 1], widths_[l]}, widths_[l]);
    add_tensor(name + ".bias", {widths_[l + 1]}, widths_[l]);
  }
}

std::vector<LayerCost> Mlp::layers() const {
  std::vector<LayerCost> costs;
  for (std::size_t l = 0; l < depth(); ++l) {
    costs.push_back(linear_cost(depth() == 1 ? "fc" : fmt::format("fc{}", l + 1), 2 * l, widths_[l], widths_[l + 1]));
    if (l + 1 < depth()) costs.push_back(relu_cost(fmt::format("relu{}", l + 1), 2 * (l + 1), widths_[l + 1]));
  }
  return costs;
}

template <class Real>
void Mlp::differentiate(const Real* x, const Rows& rows, Real scale, Real* g, double* losses,
                        Workspace& workspace) const {
  if (rows.rows.empty()) std::fill_n(g, size(), Real(0));
  const auto at = [&](std::size_t tensor) { return tensors()[tensor].offset; };
  std::vector<const Real*> inputs(depth());  // [n, widths_[l]] of linear layer l
  for_blocks<Real>(rows, block_rows, workspace, [&](const Block<Real>& block) {
    const int n = block.n;
    const auto take = [&](int width) { return workspace.take<Real>(std::size_t(n) * std::size_t(width)); };

    const Real* input = block.x;
    Real* y = nullptr;
    for (std::size_t l = 0; l < depth(); ++l) {
      inputs[l] = input;
      y = take(widths_[l + 1]);
      linear_forward(n, widths_[l], widths_[l + 1], input, x + at(2 * l), x + at(2 * l + 1), y);
      if (l + 1 < depth()) relu_forward(std::size_t(n) * std::size_t(widths_[l + 1]), y);
      input = y;
    }

    cross_entropy_backward(n, widths_.back(), block.labels, scale, y, losses + block.first);
    Real* dy = y;  // [n, widths_[l + 1]]
    for (std::size_t l = depth(); l-- > 0;) {
      Real* dx = l > 0 ? take(widths_[l]) : nullptr;
      linear_backward(n, widths_[l], widths_[l + 1], inputs[l], x + at(2 * l), dy, block.first > 0, g + at(2 * l),
                      g + at(2 * l + 1), dx);
      if (dx) relu_backward(std::size_t(n) * std::size_t(widths_[l]), inputs[l], dx);
      dy = dx;
    }
  });
}

void Mlp::gradient(const float* x, const Rows& rows, float scale, float* g, double* losses, Workspace& ws) const {
  differentiate(x, rows, scale, g, losses, ws);
}

void Mlp::gradient(const double* x, const Rows& rows, double scale, double* g, double* losses, Workspace& ws) const {
  differentiate(x, rows, scale, g, losses, ws);
}

void Mlp::evaluate(const float* x, const Rows& rows, double* losses, std::uint8_t* hits, Workspace& workspace) const {
  for_blocks<float>(rows, block_rows, workspace, [&](const Block<float>& block) {
    const float* input = block.x;
    for (std::size_t l = 0; l < depth(); ++l) {
      const std::size_t count = std::size_t(block.n) * std::size_t(widths_[l + 1]);
      auto* y = workspace.take<float>(count);
      linear_forward(block.n, widths_[l], widths_[l + 1], input, x + tensors()[2 * l].offset,
                     x + tensors()[2 * l + 1].offset, y);
      if (l + 1 < depth()) relu_forward(count, y);
      input = y;
    }
    cross_entropy_forward(block.n, widths_.back(), block.labels, input, losses + block.first, hits + block.first);
  });
}

namespace models {

ModelMaker mlp(Reader& in) {
  in.about("Multilayer perceptron: linear layers with ReLUs between them, mean cross-entropy.");
  const auto widths = in.integers("hidden", {.minimum = 1, .maximum = 1 << 20, .help = "widths of the hidden layers"});
  const auto seed =
      in.optional_integer("seed", {.minimum = 0, .help = "of the initial parameters; by default the scenario's"});
  if (widths.empty() && !in.describing()) {
    in.finish();  // a misspelt key is the better message
    in.fail(in.has("hidden") ? "hidden" : "",
            "\"hidden\" must list the widths of the hidden layers, as in [128]; "
            "without any the kind is softmax_regression");
  }
  const std::vector<int> hidden(widths.begin(), widths.end());
  return {[hidden](const DataShape& data) { return std::make_unique<const Mlp>(data, hidden); }, seed};
}

}  // namespace models
}  // namespace paceline
