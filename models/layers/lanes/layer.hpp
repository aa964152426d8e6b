// A layer of a convolutional net, on groups of images in lanes (see lanes.hpp). Its parameters are its tensors, one
// after the other; `own` is memory of its own throughout one call of the net.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/layers/lanes/lanes.hpp"
#include "models/model.hpp"

namespace paceline {

template <class Real>
struct Pass {
  const Lanes<Real>& lanes;
  const Real* w;  // parameters
  Real* own;
};

class Layer {
 public:
  virtual ~Layer() = default;
  Plane in, out;
  std::string name = "";             // of its sort: conv, relu, …; the net adds a number
  std::vector<Tensor> tensors = {};  // name ("weight"), shape, fan_in
  bool in_place = false;             // y is x

  virtual LayerCost cost() const = 0;                  // all but its name and tensors
  virtual std::size_t memory(int) const { return 0; }  // numbers, given the number of lanes

  virtual void prepare(const Pass<float>&) const = 0;  // before the first group
  virtual void prepare(const Pass<double>&) const = 0;
  virtual void forward(const Pass<float>&, const float* x, float* y) const = 0;
  virtual void forward(const Pass<double>&, const double* x, double* y) const = 0;
  // x and y as the net left them, n images of dy. dx is null where nothing is below. g: of its parameters, may be added
  // to here or in finish. What is in place turns dy into dx.
  virtual void backward(const Pass<float>&, int n, const float* x, float* dy, float* dx, float* g) const = 0;
  virtual void backward(const Pass<double>&, int n, const double* x, double* dy, double* dx, double* g) const = 0;
  virtual void finish(const Pass<float>&, float* g) const = 0;  // after the last group
  virtual void finish(const Pass<double>&, double* g) const = 0;

 protected:
  Layer(const Plane& from, const Plane& to) : in(from), out(to) {}
};

// Own has the four as templates on the real type: start, ahead, back, end.
template <class Own>
class LayerOf : public Layer {
 public:
  using Layer::Layer;
  void prepare(const Pass<float>& p) const override { own().start(p); }
  void prepare(const Pass<double>& p) const override { own().start(p); }
  void forward(const Pass<float>& p, const float* x, float* y) const override { own().ahead(p, x, y); }
  void forward(const Pass<double>& p, const double* x, double* y) const override { own().ahead(p, x, y); }
  void backward(const Pass<float>& p, int n, const float* x, float* dy, float* dx, float* g) const override {
    own().back(p, n, x, dy, dx, g);
  }
  void backward(const Pass<double>& p, int n, const double* x, double* dy, double* dx, double* g) const override {
    own().back(p, n, x, dy, dx, g);
  }
  void finish(const Pass<float>& p, float* g) const override { own().end(p, g); }
  void finish(const Pass<double>& p, double* g) const override { own().end(p, g); }

  template <class Real>
  void start(const Pass<Real>&) const {}
  template <class Real>
  void end(const Pass<Real>&, Real*) const {}

 private:
  const Own& own() const { return static_cast<const Own&>(*this); }
};

using LayerMaker = std::function<std::unique_ptr<const Layer>(const Plane& in)>;  // throws Misfit

namespace layers {
const Registry<LayerMaker>& all();
}

LayerMaker conv_layer(int channels, int kernel, int stride = 1, int padding = 0);
LayerMaker max_pool_layer(int size);
LayerMaker relu_layer();
LayerMaker linear_layer(int width);

}  // namespace paceline
