// profile: the roofline over a table of layers on each worker's device, as of a network larger than the numeric model.
// For n samples, or samples × tokens, a layer's forward takes
//     max(n FLOPs / (peak efficiency), (weights + n activation bytes) / memory bandwidth) + launch overhead,
// its backward twice that; a layer without products (a lookup, a norm) reads no weights worth counting. Gradients are
// ready layer by layer, from the last to the first. The update reads x and g and writes x.
// Where the table holds measured times (paceline import-profile) these are taken, and no device is needed.
#include <fmt/format.h>

#include <algorithm>

#include "sim/cluster/catalogue.hpp"

namespace paceline::costs {
namespace {

struct Table {
  Profile profile;
  double width = 4;  // bytes of a number
  double tokens = 1;
};

class OfProfile final : public Cost {
 public:
  OfProfile(std::shared_ptr<const Table> table, const CostInput& input)
      : table_(std::move(table)), devices_(input.devices), batch_sizes_(input.batch_sizes) {
    const auto& layers = table_->profile.layers;
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer)
      if (const double bytes = bytes_of(*layer); bytes > 0) {
        tensor_bytes_.push_back(bytes);
        bytes_ += bytes;
      }
  }
  StepCost step(int worker, std::int64_t, int samples) const override {
    double forward = 0, backward = 0;
    for (const LayerProfile& layer : table_->profile.layers) {
      forward += forward_of(layer, worker, samples);
      backward += backward_of(layer, worker, samples);
    }
    if (table_->profile.measured) return {forward, backward, table_->profile.update};
    const DeviceSpec& device = devices_[std::size_t(worker)];
    return {forward, backward, 3 * bytes_ / device.memory_bandwidth + device.launch_overhead};
  }
  // A server has no device: its updates take no time.
  double server_update() const override { return 0; }
  double gradient_bytes() const override { return bytes_; }
  std::vector<double> tensor_bytes() const override { return tensor_bytes_; }
  double ready(int worker, double bytes) const override {
    const auto& layers = table_->profile.layers;
    double time = 0, until = 0, yielded = 0;
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
      time += backward_of(*layer, worker, batch_sizes_[std::size_t(worker)]);
      const double own = bytes_of(*layer);
      if (yielded < bytes * (1 - 1e-12) && own > 0) until = time;
      yielded += own;
    }
    return time > 0 ? until / time : 1;
  }

 private:
  double bytes_of(const LayerProfile& layer) const {
    return table_->profile.measured ? layer.gradient_bytes : table_->width * layer.parameters;
  }
  double measured_units(int samples) const { return table_->profile.unit == "step" ? 1 : samples; }
  double backward_of(const LayerProfile& layer, int worker, int samples) const {
    return table_->profile.measured ? measured_units(samples) * layer.backward : 2 * forward_of(layer, worker, samples);
  }
  double forward_of(const LayerProfile& layer, int worker, int samples) const {
    if (table_->profile.measured) return measured_units(samples) * layer.forward;
    const DeviceSpec& device = devices_[std::size_t(worker)];
    const double n = samples * table_->tokens;
    const double weights = layer.forward_flops > 0 ? table_->width * layer.parameters : 0;
    const double moved = weights + n * layer.activation_bytes * table_->width / 4;
    return std::max(n * layer.forward_flops / (device.peak * device.efficiency), moved / device.memory_bandwidth) +
           device.launch_overhead;
  }

  std::shared_ptr<const Table> table_;
  std::vector<DeviceSpec> devices_;
  std::vector<int> batch_sizes_;
  std::vector<double> tensor_bytes_;  // in backward order
  double bytes_ = 0;
};

}  // namespace

CostMaker profile(Reader& in) {
  in.about("roofline over the layers of a known network (list profiles) on each worker's device; or times as measured");
  auto table = std::make_shared<Table>();
  const std::string name = in.text("profile", {.help = "a name (list profiles), or the path of a file of that form"});
  const std::string precision = in.text("precision", {.choices = {"fp32", "tf32", "fp16", "bf16"},
                                                      .fallback = "fp32",
                                                      .help = "of weights, activations and gradients: 4 bytes, or 2"});
  const auto tokens = in.optional_integer(
      "tokens", {.minimum = 1, .maximum = 1 << 24, .help = "of a sample, where the profile is per token"});
  table->width = precision == "fp16" || precision == "bf16" ? 2 : 4;
  if (in.describing() || !in.has("profile")) return {true, {}};
  const bool path = name.find('/') != name.npos || name.ends_with(".json");
  table->profile = read_profile(path ? read_document(in.data_path("profile", ""))
                                     : catalogues::profiles().document(in, "profile", name));
  if (table->profile.unit == "token" && !tokens)
    in.fail("", fmt::format("missing key \"tokens\": of a sample; {} is per token", name));
  const Profile& read = table->profile;
  if (read.unit != "token" && tokens) in.fail("tokens", fmt::format("{} is per {}", name, read.unit));
  if (read.measured && in.has("precision"))
    in.fail("precision", fmt::format("means nothing: {} holds times and sizes as they were measured", name));
  if (read.unit == "step") in.note("profile", "is per step: the batch size does not change its times");
  table->tokens = double(tokens.value_or(1));
  return {!read.measured, [=](const CostInput& input) { return std::make_unique<OfProfile>(table, input); }};
}

}  // namespace paceline::costs
