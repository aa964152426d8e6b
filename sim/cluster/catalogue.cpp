#include "sim/cluster/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace paceline {
namespace {

const std::vector<std::string> precisions{"fp32", "tf32", "fp16", "bf16"};

struct KnownDevice {
  std::vector<double> peaks;  // by precision; NaN: it has none
  double memory_bandwidth = 0, memory = 0;
  struct Sustained {
    std::string precision, workload;
    double value = 0;
  };
  std::vector<Sustained> efficiency;
};

KnownDevice known_device(Node document) {
  KnownDevice device;
  Reader::Context context;
  Reader in(document, "", context);
  in.ignore("name", "text", "");
  in.ignore("source", "text", "");
  in.object("peak", "by precision", [&](Reader& peaks) {
    for (const std::string& precision : precisions)
      device.peaks.push_back(peaks.compute(precision, {.above_minimum = true, .fallback = NAN}));
  });
  device.memory_bandwidth = in.bandwidth("memory_bandwidth", {.above_minimum = true});
  device.memory = in.bytes("memory", {.above_minimum = true});
  in.objects("efficiency", "sustained shares of the peak", [&](Reader& row) {
    KnownDevice::Sustained& made = device.efficiency.emplace_back();
    made.precision = row.text("precision", {.choices = precisions});
    made.workload = row.text("workload", {});
    made.value = row.number("value", {.minimum = 0, .maximum = 1, .above_minimum = true});
    row.ignore("source", "text", "");
  });
  in.finish();
  return device;
}

void expand_device(Node* device) {
  if (!device || device->kind != Node::Kind::text) return;
  Node named;
  named.kind = Node::Kind::object;
  named.place = device->place;
  named.members.push_back({"name", *device, device->place});
  *device = std::move(named);
}

}  // namespace

Catalogue::Catalogue(std::string name, std::span<const Entry> entries) : Kinds(std::move(name)), entries_(entries) {
  for (const Entry& entry : entries) kinds_.emplace_back(entry.name);
}

Description Catalogue::describe(std::size_t entry) const {
  const Node file = parse_document(entries_[entry].text, kinds_[entry]);
  std::string about = file.find("source")->text;
  if (const Node* layers = file.find("layers")) {
    double parameters = 0;
    for (const Node& layer : layers->items) parameters += layer.find("parameters")->number;
    const bool many = parameters >= 1e9;
    about = fmt::format("{:.4g} {} parameters, per {}; {}", parameters / (many ? 1e9 : 1e6), many ? "G" : "M",
                        file.find("unit")->text, about);
  }
  return {about, {}};
}

const Catalogue::Entry* Catalogue::find_entry(std::string_view name) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) { return each.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

Node Catalogue::document(Reader& in, std::string_view key, const std::string& name) const {
  const Entry* entry = find_entry(name);
  if (!entry) in.fail(key, fmt::format("unknown {} \"{}\"{}", name_, name, did_you_mean_one_of(name, kinds_)));
  return parse_document(entry->text, name);
}

void expand_devices(Node& root) {
  Node* cluster = root.find("cluster");
  if (!cluster) return;
  expand_device(cluster->find("device"));
  if (Node* overrides = cluster->find("devices"))
    for (Node& each : overrides->items) expand_device(each.find("device"));
}

DeviceSpec read_device(Reader& in, std::string& shown) {
  const bool named = in.has("name");
  const std::optional<double> left_out = named || in.describing() ? std::optional<double>(NAN) : std::nullopt;
  const std::string name =
      in.text("name", {.fallback = "", .help = "of the catalogue (list devices); alone: \"v100\""});
  const std::string precision = in.text(
      "precision", {.choices = precisions, .fallback = "fp32", .help = "which of the named device's peaks is used"});
  const std::string workload =
      in.text("workload", {.fallback = "resnet50", .help = "whose sustained share of the peak a named device has"});
  const double peak = in.compute(
      "peak", {.above_minimum = true, .fallback = left_out, .help = "arithmetic peak in the precision used"});
  const NumberKey share{
      .minimum = 0, .maximum = 1, .above_minimum = true, .help = "share of the peak that matrix products reach"};
  const double efficiency =
      left_out ? in.optional_number("efficiency", share).value_or(NAN) : in.number("efficiency", share);
  const double bandwidth =
      in.bandwidth("memory_bandwidth", {.above_minimum = true, .fallback = left_out, .help = "of the device's memory"});
  const double memory =
      in.bytes("memory", {.above_minimum = true, .fallback = NAN, .help = "size of the device's memory"});
  DeviceSpec device{peak, efficiency, bandwidth, memory,
                    in.duration("launch_overhead", {.fallback = 0, .help = "per layer and direction"})};
  if (in.describing()) return device;
  if (!in.has("launch_overhead")) in.note("launch_overhead", "not given: launching a kernel takes no time");
  if (!named) {
    for (const char* key : {"precision", "workload"})
      if (in.has(key)) in.fail(key, "means nothing without \"name\"");
    shown = fmt::format("{:g} TFLOPS x {:g}", device.peak / 1e12, device.efficiency);
    return device;
  }
  const KnownDevice known = known_device(catalogues::devices().document(in, "name", name));
  const auto at = std::find(precisions.begin(), precisions.end(), precision) - precisions.begin();
  if (std::isnan(peak)) device.peak = known.peaks[std::size_t(at)];
  if (std::isnan(device.peak)) in.fail("precision", fmt::format("{} has no known peak at {}", name, precision));
  if (std::isnan(bandwidth)) device.memory_bandwidth = known.memory_bandwidth;
  if (std::isnan(memory)) device.memory = known.memory;
  if (std::isnan(efficiency)) {
    const auto row = std::find_if(known.efficiency.begin(), known.efficiency.end(), [&](const auto& each) {
      return each.precision == precision && each.workload == workload;
    });
    if (row == known.efficiency.end())
      in.fail("",
              fmt::format("missing key \"efficiency\": none is known of {} at {} for {}", name, precision, workload));
    device.efficiency = row->value;
    in.note("efficiency",
            fmt::format("not given: {:g}, what {} sustains at {} for {}", row->value, name, precision, workload));
  }
  shown = fmt::format("{} {} x {:g}", name, precision, device.efficiency);
  return device;
}

Profile read_profile(Node document) {
  Profile profile;
  Reader::Context context;
  Reader in(document, "", context);
  profile.name = in.text("name", {});
  in.ignore("source", "text", "");
  in.ignore("measured", "objects", "");
  const Node* layers = document.find("layers");
  profile.measured = layers && !layers->items.empty() && layers->items[0].find("forward");
  const std::string other = profile.measured ? "step" : "token";
  profile.unit = in.text("unit", {.choices = {"sample", other}});
  if (profile.measured) profile.update = in.duration("update", {});
  in.objects("layers", "in forward order", [&](Reader& row) {
    LayerProfile& layer = profile.layers.emplace_back();
    layer.name = row.text("name", {});
    layer.parameters = row.number("parameters", {.minimum = 0});
    if (profile.measured) {
      layer.forward = row.duration("forward", {});
      layer.backward = row.duration("backward", {});
      layer.gradient_bytes = row.bytes("gradient", {});
      return;
    }
    layer.forward_flops = row.number("forward_flops", {.minimum = 0});
    layer.activation_bytes = row.number("activation_bytes", {.minimum = 0});
  });
  in.finish();
  if (std::none_of(profile.layers.begin(), profile.layers.end(),
                   [&](const auto& each) { return (profile.measured ? each.gradient_bytes : each.parameters) > 0; }))
    in.fail("layers", profile.measured ? "must hold gradients" : "must hold parameters");
  return profile;
}

}  // namespace paceline
