// ReLU, in place: y = max(0, y); its derivative at 0 is 0.
#include "models/layers/relu.hpp"

#include "models/layers/lanes/layer.hpp"

namespace paceline {
namespace {

class Relu : public LayerOf<Relu> {
 public:
  explicit Relu(const Plane& plane) : LayerOf(plane, plane) {
    name = "relu";
    in_place = true;
  }

  LayerCost cost() const override { return relu_cost("", 0, out.size()); }

  template <class Real>
  void ahead(const Pass<Real>& p, const Real*, Real* y) const {
    p.lanes.relu(out.size(), y);
  }
  template <class Real>
  void back(const Pass<Real>& p, int, const Real* y, Real* dy, Real*, Real*) const {
    p.lanes.relu_backward(out.size(), y, dy);
  }
};

}  // namespace

LayerMaker relu_layer() {
  return [](const Plane& plane) { return std::make_unique<const Relu>(plane); };
}

namespace layers {

LayerMaker relu(Reader& in) {
  in.about("Rectified linear unit, max(0, x).");
  return relu_layer();
}

}  // namespace layers
}  // namespace paceline
