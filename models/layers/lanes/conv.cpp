// Convolution: y[o, r, c] = b[o] + Σ x[i, s·r + a − p, s·c + b − p] · w[o, i, a, b] with stride s, p zeros around.
// Backward is two of the same: dx convolves dy, spread by the stride, with the kernels turned by 180°; dw sums x·dy.
#include <fmt/format.h>

#include <algorithm>

#include "models/layers/lanes/layer.hpp"

namespace paceline {
namespace {

class Conv : public LayerOf<Conv> {
 public:
  Conv(const Plane& from, int channels, int kernel, int stride, int padding)
      : LayerOf(from, {channels, (from.height + 2 * padding - kernel) / stride + 1,
                       (from.width + 2 * padding - kernel) / stride + 1}),
        padding_(padding) {
    name = "conv";
    const int terms = from.channels * kernel * kernel;
    tensors = {{"weight", {channels, from.channels, kernel, kernel}, terms}, {"bias", {channels}, terms}};
    const Plane padded{from.channels, from.height, from.width + 2 * padding};
    ahead_ = {padded, out, kernel, stride, padding};
    const Plane slopes{channels, (out.height - 1) * stride + 1, from.width + kernel - 1};
    back_ = {slopes, from, kernel, 1, kernel - 1 - padding};
  }

  LayerCost cost() const override {
    const double weights = ahead_.weights();
    return {.flops = 2 * weights * out.height * out.width,
            .weight_bytes = 4 * (weights + out.channels),
            .activation_bytes = 4.0 * (in.size() + out.size()),
            .backward_factor = 2};
  }

  std::size_t memory(int lanes) const override {
    return std::size_t(lanes) * (sums() + std::size_t(ahead_.in.size()) + std::size_t(back_.in.size())) +
           std::size_t(ahead_.weights());
  }

  template <class Real>
  void start(const Pass<Real>& p) const {
    std::fill_n(p.own, sums() * std::size_t(p.lanes.count), Real(0));
    const int square = ahead_.kernel * ahead_.kernel;
    Real* to = turned(p);
    for (int i = 0; i < in.channels; ++i)
      for (int o = 0; o < out.channels; ++o, to += square)
        std::reverse_copy(p.w + (o * in.channels + i) * square, p.w + (o * in.channels + i + 1) * square, to);
  }

  template <class Real>
  void ahead(const Pass<Real>& p, const Real* x, Real* y) const {
    if (padding_ > 0) p.lanes.spread(in, ahead_.in, padding_, 1, x, padded(p));
    p.lanes.convolve(ahead_, padding_ > 0 ? padded(p) : x, p.w, p.w + ahead_.weights(), y);
  }

  template <class Real>
  void back(const Pass<Real>& p, int, const Real* x, const Real* dy, Real* dx, Real*) const {
    p.lanes.convolve_weights(ahead_, padding_ > 0 ? padded(p) : x, dy, p.own,
                             p.own + std::size_t(ahead_.weights()) * std::size_t(p.lanes.count));
    if (!dx) return;
    p.lanes.spread(out, back_.in, ahead_.kernel - 1 - padding_, ahead_.stride, dy, slopes(p));
    p.lanes.convolve(back_, slopes(p), turned(p), nullptr, dx);
  }

  template <class Real>
  void end(const Pass<Real>& p, Real* g) const {
    p.lanes.add_lanes(p.own, int(sums()), g);
  }

 private:
  std::size_t sums() const { return std::size_t(ahead_.weights() + out.channels); }  // one after the other in `own`:
  template <class Real>
  Real* padded(const Pass<Real>& p) const {
    return p.own + sums() * std::size_t(p.lanes.count);
  }
  template <class Real>
  Real* slopes(const Pass<Real>& p) const {
    return padded(p) + ahead_.in.size() * p.lanes.count;
  }
  template <class Real>
  Real* turned(const Pass<Real>& p) const {  // [in, out, kernel, kernel]
    return slopes(p) + back_.in.size() * p.lanes.count;
  }

  int padding_;
  Stencil ahead_, back_;
};

}  // namespace

LayerMaker conv_layer(int channels, int kernel, int stride, int padding) {
  return [=](const Plane& from) {
    if (std::min(from.height, from.width) + 2 * padding < kernel)
      throw Misfit(fmt::format("cnn has a kernel of {0}×{0} over an image of {1}×{2} with padding {3}", kernel,
                               from.height, from.width, padding));
    if (double(channels) * from.channels * kernel * kernel > 1 << 30)
      throw Misfit(fmt::format("cnn has {1} kernels of {0}×{0} over {2} channels: more than 2³⁰ weights", kernel,
                               channels, from.channels));
    return std::make_unique<const Conv>(from, channels, kernel, stride, padding);
  };
}

namespace layers {

LayerMaker conv(Reader& in) {
  in.about("Convolution with a bias, the same kernel height and width.");
  const int channels =
      int(in.integer("channels", {.minimum = 1, .maximum = 1 << 14, .help = "of its output: so many kernels"}));
  const int kernel = int(in.integer("kernel", {.minimum = 1, .maximum = 255, .help = "rows and columns of a kernel"}));
  const int stride =
      int(in.integer("stride", {.minimum = 1, .maximum = 255, .fallback = 1, .help = "pixels between outputs"}));
  const int padding = int(
      in.integer("padding", {.minimum = 0, .maximum = 254, .fallback = 0, .help = "zeros around; below the kernel"}));
  if (!in.describing() && padding >= kernel)
    in.fail("padding", fmt::format("must be below the kernel, which is {}", kernel));
  return conv_layer(channels, kernel, stride, padding);
}

}  // namespace layers
}  // namespace paceline
