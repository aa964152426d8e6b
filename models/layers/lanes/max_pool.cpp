// Max pooling: the maximum of each square of size × size pixels, the squares side by side; rows and columns left over
// at the edges are dropped. The gradient goes to the first of equal maxima.
#include <fmt/format.h>

#include "models/layers/lanes/layer.hpp"

namespace paceline {
namespace {

class MaxPool : public LayerOf<MaxPool> {
 public:
  MaxPool(const Plane& from, int size)
      : LayerOf(from, {from.channels, from.height / size, from.width / size}), size_(size) {
    name = "pool";
  }

  LayerCost cost() const override {  // size² − 1 comparisons
    return {.flops = double(size_ * size_ - 1) * out.size(), .activation_bytes = 4.0 * (in.size() + out.size())};
  }

  template <class Real>
  void ahead(const Pass<Real>& p, const Real* x, Real* y) const {
    p.lanes.max_pool(in, size_, x, y);
  }
  template <class Real>
  void back(const Pass<Real>& p, int, const Real* x, const Real* dy, Real* dx, Real*) const {
    if (dx) p.lanes.max_pool_backward(in, size_, x, dy, dx);
  }

 private:
  int size_;
};

}  // namespace

LayerMaker max_pool_layer(int size) {
  return [=](const Plane& from) {
    if (std::min(from.height, from.width) < size)
      throw Misfit(fmt::format("cnn pools squares of {0}×{0} of an image of {1}×{2}", size, from.height, from.width));
    return std::make_unique<const MaxPool>(from, size);
  };
}

namespace layers {

LayerMaker max_pool(Reader& in) {
  in.about("The maximum of each square, squares side by side; what is left over at the edges is dropped.");
  const int size = int(in.integer("size", {.minimum = 2, .maximum = 255, .help = "rows and columns of a square"}));
  return max_pool_layer(size);
}

}  // namespace layers
}  // namespace paceline
