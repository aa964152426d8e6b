#include "sim/experiment/import/kineto.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "sim/core/errors.hpp"

namespace paceline {
namespace {

using Spans = std::vector<std::pair<double, double>>;  // from, until

// Spans that neither touch nor overlap, in order.
Spans united(Spans spans) {
  std::sort(spans.begin(), spans.end());
  Spans made;
  for (const auto& [from, until] : spans)
    if (made.empty() || from > made.back().second) made.emplace_back(from, until);
    else made.back().second = std::max(made.back().second, until);
  return made;
}

double common(const Spans& a, const Spans& b) {
  double sum = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    sum += std::max(0.0, std::min(a[i].second, b[j].second) - std::max(a[i].first, b[j].first));
    a[i].second < b[j].second ? ++i : ++j;
  }
  return sum;
}

bool inside(const Spans& spans, double time) {
  const auto next = std::upper_bound(spans.begin(), spans.end(), std::pair(time, double(INFINITY)));
  return next != spans.begin() && time <= std::prev(next)->second;
}

bool same_gradients(const KinetoStep& a, const KinetoStep& b) {
  return std::equal(a.buckets.begin(), a.buckets.end(), b.buckets.begin(), b.buckets.end(),
                    [](const auto& x, const auto& y) { return x.bytes == y.bytes; });
}

class Importer {
 public:
  explicit Importer(const std::string& path) : path_(path), trace_(read_kineto(path)) {}

  KinetoImport made() {
    made_.device = trace_.device;
    made_.rank = trace_.rank;
    made_.ranks = trace_.ranks;
    made_.kernels = std::int64_t(trace_.kernels.size());
    if (trace_.backward.empty())
      fail("has no operators of a backward (autograd::engine::evaluate_function): record with ProfilerActivity.CPU");
    if (const auto unknown = std::count_if(trace_.kernels.begin(), trace_.kernels.end(),
                                           [](const auto& kernel) { return !kernel.launch_known; })) {
      if (unknown == made_.kernels) fail("tells of no kernel when it was launched: record with ProfilerActivity.CPU");
      note(fmt::format("{} of {} kernels have no launch: each counts as launched with the one before it on its stream",
                       unknown, made_.kernels));
    }
    if (const auto unnamed = std::count_if(trace_.kernels.begin(), trace_.kernels.end(),
                                           [](const auto& kernel) { return kernel.collective == "?"; }))
      note(fmt::format("{} nccl kernels do not say which collective they are: none counts as an all-reduce", unnamed));
    Spans backward;
    for (const KinetoSpan& span : trace_.backward) backward.emplace_back(span.start, span.end);
    backward_ = united(std::move(backward));
    look_at_streams();
    look_at_overlap();
    cut_into_steps();
    for (std::size_t i = 0; i < trace_.steps.size(); ++i) look_at_step(trace_.steps[i], by_step_[i]);
    take_mean();
    return std::move(made_);
  }

 private:
  [[noreturn]] void fail(const std::string& rule) const { throw ConfigError(path_ + ": " + rule); }
  void note(const std::string& text) { made_.notes.push_back(text); }

  void look_at_streams() {
    std::map<std::pair<std::int64_t, std::int64_t>, KinetoStream> streams;
    double longest = -1;
    std::map<std::pair<std::int64_t, std::int64_t>, double> computes;
    for (const KinetoKernel& kernel : trace_.kernels) {
      const std::pair key(kernel.device, kernel.stream);
      KinetoStream& stream = streams[key];
      ++stream.kernels;
      stream.time += kernel.duration;
      if (!kernel.collective.empty()) ++stream.collectives;
      else computes[key] += kernel.duration;
    }
    for (auto& [key, stream] : streams) {
      std::tie(stream.device, stream.stream) = key;
      made_.streams.push_back(stream);
    }
    for (const auto& [key, time] : computes)
      if (time > longest) {
        longest = time;
        std::tie(made_.compute_device, made_.compute_stream) = key;
      }
    if (computes.empty()) fail("has no kernels but those of nccl");
    if (computes.size() > 1)
      note(fmt::format("{} streams compute: stream {} of device {} alone is taken, which does so longest",
                       computes.size(), made_.compute_stream, made_.compute_device));
  }

  bool computes(const KinetoKernel& kernel) const {
    return kernel.collective.empty() && kernel.device == made_.compute_device && kernel.stream == made_.compute_stream;
  }

  void look_at_overlap() {
    Spans collectives, others;
    for (const KinetoKernel& kernel : trace_.kernels)
      if (kernel.device == made_.compute_device)
        (kernel.collective.empty() ? others : collectives).emplace_back(kernel.start, kernel.start + kernel.duration);
    made_.overlap = common(united(std::move(collectives)), united(std::move(others)));
  }

  void cut_into_steps() {
    auto& steps = trace_.steps;
    if (steps.empty()) {
      double end = 0;
      for (const KinetoKernel& kernel : trace_.kernels) end = std::max(end, kernel.start + kernel.duration);
      steps.push_back({"all", std::min(trace_.kernels.front().launch, backward_.front().first), end});
      note("no ProfilerStep: the trace counts as one step (profiler.step() marks them)");
    }
    by_step_.resize(steps.size());
    std::int64_t outside = 0;
    for (const KinetoKernel& kernel : trace_.kernels) {
      const auto next = std::upper_bound(steps.begin(), steps.end(), kernel.launch,
                                         [](double time, const KinetoSpan& step) { return time < step.start; });
      if (next == steps.begin() || kernel.launch > std::prev(next)->end) ++outside;
      else by_step_[std::size_t(std::prev(next) - steps.begin())].push_back(&kernel);
    }
    if (outside) note(fmt::format("{} kernels were launched outside of all steps and are left out", outside));
  }

  void look_at_step(const KinetoSpan& span, const std::vector<const KinetoKernel*>& kernels) {
    KinetoStep& step = made_.steps.emplace_back();
    step.name = span.name;
    step.duration = span.end - span.start;
    step.kernels = std::int64_t(kernels.size());
    const auto in_backward = [&](const KinetoKernel* kernel) { return inside(backward_, kernel->launch); };
    double last = -INFINITY;
    for (const KinetoKernel* kernel : kernels)
      if (in_backward(kernel)) last = std::max(last, kernel->launch);
    const auto of_gradients = [&](const KinetoKernel* kernel, bool overlapped) {
      return kernel->collective == "allreduce" && (overlapped ? in_backward(kernel) : kernel->launch > last);
    };
    const bool overlapped = std::any_of(kernels.begin(), kernels.end(), [&](auto* k) { return of_gradients(k, true); });
    double backward = 0;
    for (const KinetoKernel* kernel : kernels) {
      if (of_gradients(kernel, overlapped)) {
        if (kernel->elements < 0 || !kernel->width)
          fail(
              fmt::format("does not say how large the all-reduce \"{}\" is: record with PyTorch 2.2 or later, or with "
                          "record_shapes=True",
                          kernel->name.substr(0, kernel->name.find('('))));
        step.buckets.push_back({kernel->elements, double(kernel->elements) * kernel->width, backward});
        backward = 0;
      } else if (!kernel->collective.empty()) {
        ++step.other_collectives;
      } else if (computes(*kernel)) {
        step.compute += kernel->duration;
        (in_backward(kernel) ? backward : kernel->launch <= last ? step.forward : step.update) += kernel->duration;
      }
    }
    step.rest = backward;
  }

  void take_mean() {
    auto& steps = made_.steps;
    std::ptrdiff_t most = 0;
    const KinetoStep* usual = nullptr;
    for (const KinetoStep& step : steps) {
      const auto like =
          std::count_if(steps.begin(), steps.end(), [&](const auto& x) { return same_gradients(x, step); });
      if (step.buckets.empty() || like <= most) continue;
      most = like;
      usual = &step;
    }
    if (!usual)
      fail(
          "has no all-reduce (an nccl kernel) in any step: how large the gradients are is not in it; record a rank of "
          "a data-parallel run");
    KinetoStep& mean = made_.mean;
    for (const KinetoBucket& bucket : usual->buckets) mean.buckets.push_back({bucket.elements, bucket.bytes, 0});
    const double share = 1 / double(most);
    for (KinetoStep& step : steps) {
      step.used = same_gradients(step, *usual);
      if (!step.used) {
        note(fmt::format("{} is left out: its all-reduces differ from those of most steps", step.name));
        continue;
      }
      mean.duration += share * step.duration;
      mean.compute += share * step.compute;
      mean.forward += share * step.forward;
      mean.rest += share * step.rest;
      mean.update += share * step.update;
      for (std::size_t i = 0; i < mean.buckets.size(); ++i)
        mean.buckets[i].backward += share * step.buckets[i].backward;
    }
    if (std::all_of(mean.buckets.begin(), mean.buckets.end(), [](const auto& bucket) { return bucket.bytes == 0; }))
      fail("has no all-reduce of any element in its steps");
    if (mean.compute == 0) fail("has no time on the compute stream within its steps");
  }

  std::string path_;
  KinetoTrace trace_;
  Spans backward_;
  std::vector<std::vector<const KinetoKernel*>> by_step_;
  KinetoImport made_;
};

}  // namespace

KinetoImport import_kineto(const std::string& path) { return Importer(path).made(); }

std::string profile_text(const KinetoImport& made, const std::string& name, std::optional<std::int64_t> batch) {
  const auto quoted = [](const std::string& text) { return nlohmann::json(text).dump(); };
  const auto time = [&](double us) { return fmt::format("\"{:.6f}us\"", us / double(batch.value_or(1))); };
  const auto row = [&](const std::string& layer, std::int64_t elements, double bytes, double forward, double backward) {
    return fmt::format(
        "    {{\"name\": \"{}\", \"parameters\": {}, \"gradient\": \"{:.0f}B\", \"forward\": {}, \"backward\": {}}}",
        layer, elements, bytes, time(forward), time(backward));
  };
  std::string rows = row("rest", 0, 0, made.mean.forward, made.mean.rest);
  for (std::size_t i = made.mean.buckets.size(); i-- > 0;) {
    const KinetoBucket& bucket = made.mean.buckets[i];
    rows += ",\n" + row(fmt::format("bucket{}", i + 1), bucket.elements, bucket.bytes, 0, bucket.backward);
  }
  const auto used = std::count_if(made.steps.begin(), made.steps.end(), [](const auto& step) { return step.used; });
  const std::string source =
      fmt::format("a trace of PyTorch's profiler{}{}: means over {} steps of the kernels of stream {}",
                  made.device.empty() ? "" : ", " + made.device,
                  made.ranks ? fmt::format(", rank {} of {}", made.rank, made.ranks) : "", used, made.compute_stream);
  return fmt::format(
      "{{\n  \"name\": {},\n  \"source\": {},\n  \"unit\": \"{}\",\n  \"layers\": [\n{}\n  ],\n  \"update\": "
      "\"{:.6f}us\",\n  \"measured\": [\n    {{\"device\": {}, \"ranks\": {}, \"batch\": {}, \"step_s\": {:.9f}}}\n"
      "  ]\n}}\n",
      quoted(name), quoted(source), batch ? "sample" : "step", rows, made.mean.update, quoted(made.device), made.ranks,
      batch ? fmt::format("{}", *batch) : "null", made.mean.duration / 1e6);
}

}  // namespace paceline
