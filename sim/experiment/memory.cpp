#include "sim/experiment/memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "sim/core/units.hpp"

namespace paceline {
namespace {

// A layer's output is written once and read once by the next: half of what its forward moves is kept for the backward.
double activations_of(const Model& model, int samples) {
  double bytes = 0;
  for (const LayerCost& layer : model.layers()) bytes += layer.activation_bytes / 2;
  return bytes * samples;
}

}  // namespace

std::unique_ptr<Cost> make_cost(const Spec& spec, const Model& model, const std::vector<int>& sizes) {
  const double batch_size =
      double(std::accumulate(spec.batch_sizes.begin(), spec.batch_sizes.end(), std::int64_t{0})) / spec.cluster.workers;
  return spec.cost.make({spec.cluster.workers, batch_size, 4.0 * double(model.size()), model.layers(), model.tensors(),
                         spec.cluster.devices, sizes});
}

MemoryNeed memory_need(const Spec& spec, const Model& model, const Cost& cost, int worker) {
  const auto part_from = [&](Sharding level) {
    return spec.strategy.sharding >= level ? 1.0 / spec.cluster.workers : 1.0;
  };
  const double all = cost.gradient_bytes(), state = spec.strategy.uses_servers ? 0 : spec.optimizer.state;
  return {all * part_from(Sharding::zero3), all * part_from(Sharding::zero2), all * state * part_from(Sharding::zero1),
          activations_of(model, spec.batch_sizes[std::size_t(worker)])};
}

std::string memory_excess(const Spec& spec, const Model& model) {
  const auto& devices = spec.cluster.devices;
  if (std::none_of(devices.begin(), devices.end(), [](const DeviceSpec& device) { return device.memory > 0; }))
    return "";
  const auto cost = make_cost(spec, model, spec.batch_sizes);
  for (std::size_t w = 0; w < devices.size(); ++w) {
    const MemoryNeed need = memory_need(spec, model, *cost, int(w));
    if (!(need.sum() > devices[w].memory)) continue;
    return fmt::format(
        "worker {} needs {} of memory, and its device has {}: parameters {} + gradients {} + optimizer {} + "
        "activations {} (batch {}); \"memory_check\": \"warn\" goes on",
        w, show_bytes(need.sum()), show_bytes(devices[w].memory), show_bytes(need.parameters),
        show_bytes(need.gradients), show_bytes(need.optimizer), show_bytes(need.activations), spec.batch_sizes[w]);
  }
  return "";
}

}  // namespace paceline
