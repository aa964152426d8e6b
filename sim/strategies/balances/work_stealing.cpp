// work_stealing: the samples of a step are a queue of micro-batches; a worker that is through with one takes the next,
// until there is none, and then all average, each weighted by the samples it has computed, be it none. Of those who
// come at one instant the lower worker is first. While micro-batches are left everybody is busy, so with b samples in
// one a step of rates v takes at most
//     (B - b) / Σ v + b / min v.
#include <algorithm>

#include "sim/strategies/balance.hpp"

namespace paceline::balances {
namespace {

class WorkStealing final : public Balance {
 public:
  WorkStealing(int samples, int micro_batch, Span overhead)
      : samples_(samples), micro_batch_(micro_batch), overhead_(overhead) {}

  Portion take(int, std::int64_t step) override {
    if (step > step_) {
      step_ = step;
      taken_ = 0;
    }
    const Portion next{taken_, std::min(micro_batch_, samples_ - taken_)};
    taken_ += next.count;
    return next;
  }
  bool piecemeal() const override { return true; }
  Span overhead() const override { return overhead_; }

 private:
  const int samples_, micro_batch_;
  const Span overhead_;
  std::int64_t step_ = 0;  // the newest that anybody has begun: all before are computed
  int taken_ = 0;          // of it
};

}  // namespace

BalanceMaker work_stealing(Reader& in) {
  in.about("a queue of micro-batches every step: who is through with one takes the next");
  const int micro_batch =
      int(in.integer("micro_batch", {.minimum = 1, .maximum = 1 << 20, .help = "samples; the last may have fewer"}));
  const double overhead = in.duration(
      "overhead", {.maximum = 1e6, .help = "of taking a micro-batch; to find that there is none costs nothing"});
  return {{}, [=](const std::vector<int>& sizes) {
            return std::make_unique<WorkStealing>(samples_of(sizes), micro_batch, span_of(overhead));
          }};
}

}  // namespace paceline::balances
