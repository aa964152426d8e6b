// Cost: what a training step takes in time on a worker's device, and in bytes on the wire. It knows nothing of values,
// so that a small real model can be trained on the clock of a big one.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/model.hpp"
#include "sim/core/registry.hpp"

namespace paceline {

struct DeviceSpec {
  double peak = 0;              // FLOP per second
  double efficiency = 1;        // share of the peak that matrix products reach
  double memory_bandwidth = 0;  // bytes per second
  double memory = 0;            // bytes
  double launch_overhead = 0;   // seconds per kernel
};

// Seconds at nominal speed, before jitter.
struct StepCost {
  double forward = 0, backward = 0, update = 0;
};

class Cost {
 public:
  virtual ~Cost() = default;
  // Worker w's k-th batch. Throws RunError when a record of durations has ended.
  virtual StepCost step(int worker, std::int64_t step, int samples) const = 0;
  // Seconds of one update of all parameters at the servers, at nominal speed.
  virtual double server_update() const = 0;
  virtual double gradient_bytes() const = 0;
  // Bytes of the tensors in the order in which backward yields their gradients. Empty: divisible anywhere.
  virtual std::vector<double> tensor_bytes() const { return {}; }
  // The share of the backward's time after which the first `bytes` of the gradient are ready at this worker.
  virtual double ready(int /*worker*/, double bytes) const {
    return gradient_bytes() > 0 ? bytes / gradient_bytes() : 1;
  }
};

// What a cost is made from, besides its own keys.
struct CostInput {
  int workers = 1;
  double batch_size = 1;          // the mean of all workers'
  double model_bytes = 0;         // of the numeric model's gradient: 4 per parameter
  std::vector<LayerCost> layers;  // of the numeric model, in forward order
  std::vector<Tensor> tensors;
  std::vector<DeviceSpec> devices;    // by worker; empty: none was given
  std::vector<int> batch_sizes = {};  // by worker
};
struct CostMaker {
  bool needs_device = false;
  std::function<std::unique_ptr<Cost>(const CostInput&)> make;
};

namespace costs {
const Registry<CostMaker>& all();
}

}  // namespace paceline
