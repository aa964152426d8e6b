// HtaTrace: a file per rank, as PyTorch's profiler (Kineto) writes it for a process with one GPU, for Holistic Trace
// Analysis: steps are ProfilerStep#N, compute is on stream 7, communication on stream 20 as nccl kernels. A kernel of a
// collective begins when its last rank has joined: waiting for others is idle time here, as in the results.
//
// https://github.com/facebookresearch/HolisticTraceAnalysis
#pragma once
#include <memory>
#include <vector>

#include "sim/experiment/trace/growing_file.hpp"
#include "sim/experiment/trace/trace_file.hpp"

namespace paceline {

class HtaTrace final : public TraceFile {
 public:
  // `folder` is made; its files are rank_0.json.gz, …. Throws RunError when they cannot be written.
  HtaTrace(const TraceSpec& spec, const Cluster& cluster, const std::string& folder);

  void begins(int, std::int64_t, Time) override {}
  void span(const SpanRow& row) override;
  void close(Time end) override;
  std::string note() const override {
    return correlation_ == 0 ? "nothing of the run is in the window of the trace" : "";
  }

 private:
  struct Rank {
    std::unique_ptr<GrowingFile> file;
    bool first = true;
  };
  bool in_window(const SpanRow& row) const {
    return row.step >= spec_.first_step && row.step < spec_.end_step && row.until > spec_.from &&
           row.from < spec_.until;
  }
  void annotate(Rank& rank, const SpanRow& row);
  void launch(Rank& rank, const SpanRow& row, Time from, bool communicates);

  const TraceSpec& spec_;
  const int workers_;
  std::vector<Rank> ranks_;  // by worker; without a file: not shown
  std::uint64_t correlation_ = 0;
};

}  // namespace paceline
