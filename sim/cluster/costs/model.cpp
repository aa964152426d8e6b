// model: the roofline over the numeric model's own layers on each worker's device. For b samples a layer's forward
// takes
//     max(b FLOPs / (peak efficiency), (weight bytes + b activation bytes) / memory bandwidth) + launch overhead,
// its backward `backward_factor` times that (2 for matrix layers); the update reads x and g and writes x once:
//     3 · gradient bytes / memory bandwidth + launch overhead.
#include <algorithm>

#include "sim/cluster/cost.hpp"

namespace paceline::costs {
namespace {

class Model final : public Cost {
 public:
  explicit Model(const CostInput& input) : input_(input) {
    for (auto layer = input_.layers.rbegin(); layer != input_.layers.rend(); ++layer) {
      double bytes = 0;
      for (std::size_t t = layer->tensors; t-- > 0;) {
        tensor_bytes_.push_back(4.0 * double(input_.tensors[layer->first_tensor + t].count));
        bytes += tensor_bytes_.back();
      }
      layer_bytes_.push_back(bytes);
    }
  }
  StepCost step(int worker, std::int64_t, int samples) const override {
    const DeviceSpec& device = input_.devices[std::size_t(worker)];
    StepCost cost{0, 0, 3 * input_.model_bytes / device.memory_bandwidth + device.launch_overhead};
    for (const LayerCost& layer : input_.layers) {
      const double forward = forward_of(layer, device, samples);
      cost.forward += forward;
      cost.backward += layer.backward_factor * forward;
    }
    return cost;
  }
  // A server has no device: its updates take no time.
  double server_update() const override { return 0; }
  double gradient_bytes() const override { return input_.model_bytes; }
  std::vector<double> tensor_bytes() const override { return tensor_bytes_; }
  double ready(int worker, double bytes) const override {
    const DeviceSpec& device = input_.devices[std::size_t(worker)];
    double time = 0, until = 0, yielded = 0;
    for (std::size_t i = 0; i < input_.layers.size(); ++i) {
      const LayerCost& layer = input_.layers[input_.layers.size() - 1 - i];
      time += layer.backward_factor * forward_of(layer, device, input_.batch_sizes[std::size_t(worker)]);
      if (yielded < bytes) until = time;
      yielded += layer_bytes_[i];
    }
    return time > 0 ? until / time : 1;
  }

 private:
  static double forward_of(const LayerCost& layer, const DeviceSpec& device, int samples) {
    const double arithmetic = samples * layer.flops / (device.peak * device.efficiency);
    const double memory = (layer.weight_bytes + samples * layer.activation_bytes) / device.memory_bandwidth;
    return std::max(arithmetic, memory) + device.launch_overhead;
  }

  CostInput input_;
  std::vector<double> tensor_bytes_, layer_bytes_;  // in backward order
};

}  // namespace

CostMaker model(Reader& in) {
  in.about("roofline over the numeric model's own layers on each worker's device");
  return {true, [](const CostInput& input) { return std::make_unique<Model>(input); }};
}

}  // namespace paceline::costs
