// A trace of PyTorch's profiler as a profile that the cost `profile` runs.
//
// A kernel belongs to the step (ProfilerStep#N) in which it was launched; so it may run after that step's window.
// Of a step, kernels of the compute stream (the one that computes longest on the device that does) are
//   backward: launched within an operator of the backward; of bucket k those after the launch of all-reduce k - 1 and
//             no later than that of k, so that a gradient is ready when its all-reduce was launched;
//   forward:  launched before the last of these, but by no operator of the backward;
//   update:   launched after it.
// Gradients are what the all-reduces hold that were launched in the backward; without any, those after it, which are
// then ready at its end. A profile holds means over the steps that have the same all-reduces.
//
// Only the time of kernels counts: neither what the processor took between them, nor copies and fills.
#pragma once
#include <optional>

#include "sim/experiment/import/kineto_trace.hpp"

namespace paceline {

struct KinetoBucket {
  std::int64_t elements = 0;
  double bytes = 0;
  double backward = 0;  // microseconds of the backward up to it, from the one before
};

struct KinetoStep {
  std::string name;
  double duration = 0;  // of its window, in microseconds; like all that follow
  std::int64_t kernels = 0, other_collectives = 0;
  double compute = 0;                        // kernels of the compute stream
  double forward = 0, rest = 0, update = 0;  // rest: of the backward, after the last all-reduce
  std::vector<KinetoBucket> buckets;         // in the order in which they were ready
  bool used = false;
};

struct KinetoStream {
  std::int64_t device = 0, stream = 0, kernels = 0, collectives = 0;
  double time = 0;
};

struct KinetoImport {
  std::string device;
  std::int64_t rank = 0, ranks = 0, kernels = 0;
  std::vector<KinetoStep> steps;
  std::vector<KinetoStream> streams;
  std::int64_t compute_device = 0, compute_stream = 0;
  double overlap = 0;  // of collectives with other kernels of their device, in microseconds
  KinetoStep mean;     // of the steps that are used
  std::vector<std::string> notes;
};

// Throws ConfigError: what the trace lacks, and how to record it.
KinetoImport import_kineto(const std::string& path);

// The profile, as JSON. With a batch size its times are per sample, without per step.
std::string profile_text(const KinetoImport& made, const std::string& name, std::optional<std::int64_t> batch);

}  // namespace paceline
