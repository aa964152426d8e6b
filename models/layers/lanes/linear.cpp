// Linear layer over all channels, rows and columns of its input: y = W·x + b, W [out, in].
#include "models/layers/linear.hpp"

#include "models/layers/lanes/layer.hpp"

namespace paceline {
namespace {

class Linear : public LayerOf<Linear> {
 public:
  Linear(const Plane& from, int width) : LayerOf(from, {width, 1, 1}) {
    name = "fc";
    tensors = {{"weight", {width, from.size()}, from.size()}, {"bias", {width}, from.size()}};
  }

  LayerCost cost() const override { return linear_cost("", 0, in.size(), out.size()); }
  std::size_t memory(int lanes) const override { return std::size_t(lanes) * std::size_t(in.size() + out.size()); }

  template <class Real>
  void ahead(const Pass<Real>& p, const Real* x, Real* y) const {
    p.lanes.linear(in.size(), out.size(), x, p.w, p.w + weights(), y);
  }

  // Weights are summed over rows, not lanes: a wide layer's would not fit in a cache lane by lane.
  template <class Real>
  void back(const Pass<Real>& p, int n, const Real* x, const Real* dy, Real* dx, Real* g) const {
    Real *rows = p.own, *slopes = p.own + in.size() * p.lanes.count;
    p.lanes.scatter(x, n, in.size(), rows);
    p.lanes.scatter(dy, n, out.size(), slopes);
    p.lanes.linear_weights(n, in.size(), out.size(), rows, slopes, g, g + weights());
    if (dx) p.lanes.linear_inputs(in.size(), out.size(), dy, p.w, dx);
  }

 private:
  std::ptrdiff_t weights() const { return std::ptrdiff_t(in.size()) * out.size(); }
};

}  // namespace

LayerMaker linear_layer(int width) {
  return [=](const Plane& from) { return std::make_unique<const Linear>(from, width); };
}

namespace layers {

LayerMaker linear(Reader& in) {
  in.about("Linear layer with a bias over all of its input.");
  const int width = int(in.integer("width", {.minimum = 1, .maximum = 1 << 20, .help = "outputs"}));
  return linear_layer(width);
}

}  // namespace layers
}  // namespace paceline
