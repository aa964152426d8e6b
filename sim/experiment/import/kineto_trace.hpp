// What PyTorch's profiler (Kineto) wrote: Chrome Trace Event JSON, plain or gzip; the events that steps are made of.
// Dialects: an object or a bare list of events; integer and fractional times, in microseconds; categories as of 2021
// ("Kernel", "Runtime", "Operator") and since; kernels whose launch was not recorded; nccl kernels that tell of
// themselves, or only by the operator that launched them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace paceline {

struct KinetoSpan {
  std::string name;
  double start = 0, end = 0;  // microseconds
};

struct KinetoKernel {
  std::string name;
  double start = 0, duration = 0;  // microseconds
  double launch = 0;               // when the processor launched it; where unknown: as the kernel before on its stream
  bool launch_known = false;
  std::int64_t device = 0, stream = 0;
  // Of a collective: "allreduce", "broadcast", ...; "" of others, "?" if unknown.
  std::string collective;
  std::int64_t elements = -1;  // -1: unknown
  int width = 0;               // bytes of an element; 0: unknown
};

struct KinetoTrace {
  std::vector<KinetoKernel> kernels;  // by launch, then start
  std::vector<KinetoSpan> steps;      // ProfilerStep#N, by start
  std::vector<KinetoSpan> backward;   // operators of the backward, by start; they may overlap
  std::string device;                 // "NVIDIA A100", or ""
  std::int64_t rank = 0, ranks = 0;   // ranks 0: unknown
};

// Throws ConfigError, which names the file and what it lacks.
KinetoTrace read_kineto(const std::string& path);

}  // namespace paceline
