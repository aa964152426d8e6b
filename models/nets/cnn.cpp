// Convolutional net: layers of the scenario's choice over images, a last linear layer to the classes, cross-entropy.
// LeNet-like by default (LeCun et al. 1998). Images are computed 16 side by side, the last 8 or fewer of a batch in 8
// lanes; float and double run the same loops (models/layers/lanes).
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "models/layers/cross_entropy.hpp"
#include "models/layers/lanes/layer.hpp"
#include "models/nets/fit.hpp"

namespace paceline {
namespace {

constexpr std::size_t most = 16, fewer = 8;  // lanes
constexpr std::size_t largest = 1 << 24;     // numbers in a layer's output

class Cnn : public Model {
 public:
  Cnn(const DataShape& data, const std::vector<LayerMaker>& makers) : classes_(data.classes) {
    need(data.labels == 1 && data.image(), data, "cnn", "images of one label each, as of fashion_mnist");
    Plane plane{data.channels, data.height, data.width};
    for (const LayerMaker& make : makers) {
      layers_.push_back(make(plane));
      plane = layers_.back()->out;
      if (double(plane.channels) * plane.height * plane.width > double(largest))
        throw Misfit(fmt::format("cnn has a layer of more than {} numbers for an image", largest));
    }
    layers_.push_back(linear_layer(classes_)(plane));
    std::map<std::string, int> count, all;
    for (const auto& layer : layers_) ++all[layer->name];
    for (const auto& layer : layers_) {
      const int k = ++count[layer->name];
      names_.push_back(layer->name == "fc" && all["fc"] == 1 ? "fc" : fmt::format("{}{}", layer->name, k));
      first_.push_back(tensors().size());
      at_.push_back(size());
      for (const Tensor& t : layer->tensors) add_tensor(names_.back() + "." + t.name, t.shape, t.fan_in);
    }
  }

  std::vector<LayerCost> layers() const override {
    std::vector<LayerCost> costs;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      LayerCost& cost = costs.emplace_back(layers_[l]->cost());
      cost.name = names_[l];
      cost.first_tensor = first_[l];
      cost.tensors = layers_[l]->tensors.size();
    }
    return costs;
  }

  void gradient(const float* x, const Rows& rows, float scale, float* g, double* losses, Workspace& ws) const override {
    differentiate(x, rows, scale, g, losses, ws);
  }
  void gradient(const double* x, const Rows& rows, double scale, double* g, double* losses,
                Workspace& ws) const override {
    differentiate(x, rows, scale, g, losses, ws);
  }

  void evaluate(const float* x, const Rows& rows, double* losses, std::uint8_t* hits, Workspace& ws) const override {
    for_groups<float>(x, rows, ws, [&](Group<float>& group) {
      cross_entropy_forward(group.n, classes_, group.labels, group.logits, losses + group.first, hits + group.first);
    });
  }

 private:
  template <class Real>
  struct Group {
    int n;
    std::size_t first;  // of its rows among all
    const std::int32_t* labels;
    Real* logits;  // [n, classes]
    std::vector<Pass<Real>>& passes;
    std::vector<Real*>& planes;  // what goes into each layer; the last: what comes out
    Real *slopes, *other;        // [largest plane, lanes] each
    bool last;
  };

  // Calls each(Group<Real>&) on the rows, group by group, with the logits computed.
  template <class Real, class Each>
  void for_groups(const Real* x, const Rows& rows, Workspace& workspace, const Each& each) const {
    single_threaded();
    const std::size_t n = rows.rows.size(), rest = n % most, wide = rest <= fewer ? n - rest : n;
    pass_over(x, rows, 0, wide, lanes_for<Real>(most), workspace, each);
    pass_over(x, rows, wide, n, lanes_for<Real>(fewer), workspace, each);
  }

  template <class Real, class Each>
  void pass_over(const Real* x, const Rows& rows, std::size_t begin, std::size_t end, const Lanes<Real>& lanes,
                 Workspace& workspace, const Each& each) const {
    if (begin == end) return;
    workspace.clear();
    const auto count = std::size_t(lanes.count), features = std::size_t(layers_[0]->in.size());
    auto* labels = workspace.take<std::int32_t>(count);
    auto* narrow = workspace.take<float>(count * features);
    Real* images =
        std::is_same_v<Real, float> ? reinterpret_cast<Real*>(narrow) : workspace.take<Real>(count * features);
    Real* logits = workspace.take<Real>(count * std::size_t(classes_));
    std::vector<Real*> planes{workspace.take<Real>(count * features)};
    std::vector<Pass<Real>> passes;
    std::size_t room = 0;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const Layer& layer = *layers_[l];
      passes.push_back({lanes, x + at_[l], workspace.take<Real>(layer.memory(lanes.count))});
      layer.prepare(passes.back());
      const std::size_t numbers = count * std::size_t(layer.out.size());
      planes.push_back(layer.in_place ? planes.back() : workspace.take<Real>(numbers));
      room = std::max(room, numbers);
    }
    Real *slopes = workspace.take<Real>(room), *other = workspace.take<Real>(room);

    for (std::size_t first = begin; first < end; first += count) {
      const auto part = rows.rows.subspan(first, std::min(count, end - first));
      const int height = int(part.size());
      rows.data.fetch(rows.part, part, narrow, labels);
      if constexpr (!std::is_same_v<Real, float>) std::copy_n(narrow, part.size() * features, images);
      lanes.gather(images, height, int(features), planes[0]);
      for (std::size_t l = 0; l < layers_.size(); ++l) layers_[l]->forward(passes[l], planes[l], planes[l + 1]);
      lanes.scatter(planes.back(), height, classes_, logits);
      Group<Real> group{height, first, labels, logits, passes, planes, slopes, other, first + count >= end};
      each(group);
    }
  }

  template <class Real>
  void differentiate(const Real* x, const Rows& rows, Real scale, Real* g, double* losses, Workspace& workspace) const {
    std::fill_n(g, size(), Real(0));
    for_groups<Real>(x, rows, workspace, [&](Group<Real>& group) {
      cross_entropy_backward(group.n, classes_, group.labels, scale, group.logits, losses + group.first);
      Real *dy = group.slopes, *dx = group.other;
      group.passes[0].lanes.gather(group.logits, group.n, classes_, dy);
      for (std::size_t l = layers_.size(); l-- > 0;) {
        layers_[l]->backward(group.passes[l], group.n, group.planes[l], dy, l > 0 ? dx : nullptr, g + at_[l]);
        if (!layers_[l]->in_place) std::swap(dy, dx);
      }
      if (!group.last) return;
      for (std::size_t l = 0; l < layers_.size(); ++l) layers_[l]->finish(group.passes[l], g + at_[l]);
    });
  }

  int classes_;
  std::vector<std::unique_ptr<const Layer>> layers_;
  std::vector<std::string> names_;
  std::vector<std::size_t> first_, at_;  // tensor, entry of the flat vector
};

}  // namespace

namespace models {

ModelMaker cnn(Reader& in) {
  in.about("Convolutional net: the layers given, a linear layer to the classes, mean cross-entropy.");
  auto makers =
      in.kinds("layers", layers::all(),
               "but the last, linear one; by default conv 5×5×8, ReLU, max-pool 2, conv 5×5×16, ReLU, max-pool 2");
  const auto seed =
      in.optional_integer("seed", {.minimum = 0, .help = "of the initial parameters; by default the scenario's"});
  if (!in.has("layers") && !in.describing())
    makers = {conv_layer(8, 5), relu_layer(), max_pool_layer(2), conv_layer(16, 5), relu_layer(), max_pool_layer(2)};
  return {[makers](const DataShape& data) { return std::make_unique<const Cnn>(data, makers); }, seed};
}

}  // namespace models
}  // namespace paceline
