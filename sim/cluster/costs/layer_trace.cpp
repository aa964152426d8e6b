// layer_trace: a measured backward, tensor by tensor: {"batch": 32, "batch_seconds": s, "tensors": [[wait_us, bytes],
// …]} in backward order; the gradient of a tensor is ready its wait after that of the one before. The forward takes the
// rest of the batch's seconds.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/cluster/cost.hpp"

namespace paceline::costs {
namespace {

struct Trace {
  double batch = 1;                    // samples
  double seconds = 0, backward = 0;    // of the batch
  std::vector<double> ready, yielded;  // by tensor: seconds after the backward began, bytes up to it
  std::vector<double> bytes;           // by tensor
};

class LayerTrace final : public Cost {
 public:
  LayerTrace(std::shared_ptr<const Trace> trace, double update) : trace_(std::move(trace)), update_(update) {}
  StepCost step(int, std::int64_t, int samples) const override {
    const double scale = samples / trace_->batch;
    return {scale * (trace_->seconds - trace_->backward), scale * trace_->backward, update_};
  }
  double server_update() const override { return update_; }
  double gradient_bytes() const override { return trace_->yielded.back(); }
  std::vector<double> tensor_bytes() const override { return trace_->bytes; }
  double ready(int, double bytes) const override {
    const auto& yielded = trace_->yielded;
    const auto tensor = std::lower_bound(yielded.begin(), yielded.end(), bytes * (1 - 1e-12));
    if (tensor == yielded.end() || trace_->backward == 0) return 1;
    return trace_->ready[std::size_t(tensor - yielded.begin())] / trace_->backward;
  }

 private:
  std::shared_ptr<const Trace> trace_;
  double update_;
};

}  // namespace

CostMaker layer_trace(Reader& in) {
  in.about("a measured backward, tensor by tensor, and the time of a whole batch");
  auto trace = std::make_shared<Trace>();
  in.document("file", "a path, or {\"batch\": 32, \"batch_seconds\": 0.13, \"tensors\": [[wait in us, bytes], …]}",
              [&](Reader& file) {
                file.ignore("source", "text", "where it is from");
                trace->batch = file.number("batch", {.minimum = 0, .above_minimum = true, .help = "samples"});
                trace->seconds =
                    file.number("batch_seconds",
                                {.minimum = 0, .maximum = 1e6, .above_minimum = true, .help = "forward and backward"});
                double yielded = 0;
                for (const std::vector<double>& tensor :
                     file.table("tensors", "a row per tensor in backward order: its wait in microseconds, its bytes")) {
                  if (tensor.size() != 2 || !(tensor[0] >= 0) || !(tensor[1] > 0))
                    file.fail("tensors", fmt::format("row {} must be [wait in us, bytes]", trace->bytes.size()));
                  trace->backward += tensor[0] * 1e-6;
                  trace->ready.push_back(trace->backward);
                  trace->bytes.push_back(tensor[1]);
                  trace->yielded.push_back(yielded += tensor[1]);
                }
                if (file.describing()) return;
                if (trace->bytes.empty()) file.fail("tensors", "must have at least one row");
                if (trace->backward > trace->seconds)
                  file.fail("batch_seconds", fmt::format("is less than the tensors' waits, {} s", trace->backward));
              });
  const double update = in.duration(
      "update", {.fallback = 0, .help = "of the optimizer, at every worker under all-reduce, else at the server"});
  if (!in.has("update")) in.note("update", "not given: updates take no time");
  return {false, [=](const CostInput&) { return std::make_unique<LayerTrace>(trace, update); }};
}

}  // namespace paceline::costs
