// Linear regression: ŷ = w·x + b for each target, loss ½Σ(ŷ − y)²; convex.
#include <algorithm>

#include "models/layers/linear.hpp"
#include "models/nets/blocks.hpp"
#include "models/nets/fit.hpp"

namespace paceline {
namespace {

constexpr std::size_t block_rows = 512;

class LinearRegression : public Model {
 public:
  explicit LinearRegression(const DataShape& data) : in_(data.features), out_(data.targets) {
    need(out_ > 0, data, "linear_regression", "real targets, as of linear");
    add_tensor("fc.weight", {out_, in_}, in_);
    add_tensor("fc.bias", {out_}, in_);
  }

  std::vector<LayerCost> layers() const override { return {linear_cost("fc", 0, in_, out_)}; }

  void gradient(const float* x, const Rows& rows, float scale, float* g, double* losses, Workspace& ws) const override {
    differentiate(x, rows, scale, g, losses, ws);
  }
  void gradient(const double* x, const Rows& rows, double scale, double* g, double* losses,
                Workspace& ws) const override {
    differentiate(x, rows, scale, g, losses, ws);
  }
  void evaluate(const float* x, const Rows& rows, double* losses, std::uint8_t*, Workspace& ws) const override {
    for_errors<float>(x, rows, losses, ws, [](const float*, int, float) {});
  }

 private:
  // Calls each(the row's features, target, ŷ − y).
  template <class Real, class Each>
  void for_errors(const Real* x, const Rows& rows, double* losses, Workspace& workspace, const Each& each) const {
    for_blocks<Real>(rows, block_rows, workspace, [&](const Block<Real>& block) {
      const Real* row = block.x;
      for (int r = 0; r < block.n; ++r, row += in_ + out_) {
        double loss = 0;
        for (int o = 0; o < out_; ++o) {
          Real sum = x[in_ * out_ + o];
          for (int i = 0; i < in_; ++i) sum += x[o * in_ + i] * row[i];
          const Real error = sum - row[in_ + o];
          loss += 0.5 * double(error) * double(error);
          each(row, o, error);
        }
        losses[block.first + std::size_t(r)] = loss;
      }
    });
  }

  template <class Real>
  void differentiate(const Real* x, const Rows& rows, Real scale, Real* g, double* losses, Workspace& workspace) const {
    std::fill_n(g, size(), Real(0));
    for_errors<Real>(x, rows, losses, workspace, [&](const Real* row, int o, Real error) {
      const Real slope = scale * error;
      for (int i = 0; i < in_; ++i) g[o * in_ + i] += slope * row[i];
      g[in_ * out_ + o] += slope;
    });
  }

  int in_, out_;
};

}  // namespace

namespace models {

ModelMaker linear_regression(Reader& in) {
  in.about("Linear regression: half the squared error of a linear layer; convex.");
  const auto seed =
      in.optional_integer("seed", {.minimum = 0, .help = "of the initial parameters; by default the scenario's"});
  return {[](const DataShape& data) { return std::make_unique<const LinearRegression>(data); }, seed};
}

}  // namespace models
}  // namespace paceline
