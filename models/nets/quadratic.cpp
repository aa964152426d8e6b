// Quadratic: f(x) = ½xᵀAx − bᵀx with A = ¼·tridiag(−1, 2, −1), b = ¼(−1, 0, …, 0), the standard test of asynchronous
// optimization (Nesterov's worst function; Tyurin and Richtárik 2023, arXiv:2305.12387). A row is a noise vector ξ with
// loss f(x) + ξᵀx and gradient Ax − b + ξ. Evaluation on the row 0 gives f(x).
#include <algorithm>

#include "models/nets/blocks.hpp"
#include "models/nets/fit.hpp"

namespace paceline {
namespace {

constexpr std::size_t block_rows = 32;

class Quadratic : public Model {
 public:
  Quadratic(const DataShape& data, std::optional<double> start) : width_(data.features) {
    need(data.labels == 0 && data.targets == 0, data, "quadratic", "noise, as of quadratic_noise");
    add_tensor("x", {width_}, start ? 0 : 1, start.value_or(0));
  }

  // A has 3·width − 2 entries; two products of vectors, and b's only entry.
  std::vector<LayerCost> layers() const override {
    return {{.name = "quadratic",
             .tensors = 1,
             .flops = 2.0 * (3.0 * width_ - 2) + 4.0 * width_ + 2,
             .weight_bytes = 4.0 * width_,
             .activation_bytes = 4.0 * width_}};
  }

  void gradient(const float* x, const Rows& rows, float scale, float* g, double* losses, Workspace& ws) const override {
    differentiate(x, rows, scale, g, losses, ws);
  }
  void gradient(const double* x, const Rows& rows, double scale, double* g, double* losses,
                Workspace& ws) const override {
    differentiate(x, rows, scale, g, losses, ws);
  }
  void evaluate(const float* x, const Rows& rows, double* losses, std::uint8_t*, Workspace& ws) const override {
    const double f = value(x);
    for_blocks<float>(rows, block_rows, ws, [&](const Block<float>& block) {
      for (int r = 0; r < block.n; ++r) losses[block.first + std::size_t(r)] = f + product(block.x + r * width_, x);
    });
  }

 private:
  // (Ax − b)_i
  template <class Real>
  Real slope(const Real* x, int i) const {
    const Real below = i > 0 ? x[i - 1] : Real(-1), above = i + 1 < width_ ? x[i + 1] : Real(0);
    return (2 * x[i] - below - above) / 4;
  }
  // ½xᵀAx − bᵀx = ½xᵀ(Ax − b) − ½bᵀx
  template <class Real>
  double value(const Real* x) const {
    double twice = double(x[0]) / 4;
    for (int i = 0; i < width_; ++i) twice += double(x[i]) * double(slope(x, i));
    return twice / 2;
  }
  template <class Real>
  double product(const Real* noise, const Real* x) const {
    double sum = 0;
    for (int i = 0; i < width_; ++i) sum += double(noise[i]) * double(x[i]);
    return sum;
  }

  template <class Real>
  void differentiate(const Real* x, const Rows& rows, Real scale, Real* g, double* losses, Workspace& workspace) const {
    std::fill_n(g, width_, Real(0));
    const double f = value(x);
    for_blocks<Real>(rows, block_rows, workspace, [&](const Block<Real>& block) {
      for (int r = 0; r < block.n; ++r) {
        const Real* noise = block.x + r * width_;
        losses[block.first + std::size_t(r)] = f + product(noise, x);
        for (int i = 0; i < width_; ++i) g[i] += scale * noise[i];
      }
    });
    const Real all = scale * Real(rows.rows.size());
    for (int i = 0; i < width_; ++i) g[i] += all * slope(x, i);
  }

  int width_;
};

}  // namespace

namespace models {

ModelMaker quadratic(Reader& in) {
  in.about("f(x) = ½xᵀAx − bᵀx with a tridiagonal A: the standard test of asynchronous optimization.");
  const auto start =
      in.optional_number("start", {.help = "of every coordinate; by default they are uniform in ±1, by the seed"});
  const auto seed =
      in.optional_integer("seed", {.minimum = 0, .help = "of the initial parameters; by default the scenario's"});
  return {[start](const DataShape& data) { return std::make_unique<const Quadratic>(data, start); }, seed};
}

}  // namespace models
}  // namespace paceline
