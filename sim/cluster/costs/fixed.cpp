// fixed: the same durations for every step at `batch_size` (the workers' mean), in proportion for other batches; the
// gradient's bytes become ready evenly over the backward.
#include <cmath>

#include "sim/cluster/cost.hpp"

namespace paceline::costs {
namespace {

class Fixed final : public Cost {
 public:
  Fixed(StepCost at_batch_size, double batch_size, double bytes)
      : cost_(at_batch_size), batch_size_(batch_size), bytes_(bytes) {}
  StepCost step(int, std::int64_t, int samples) const override {
    const double part = double(samples) / batch_size_;
    return {cost_.forward * part, cost_.backward * part, cost_.update};
  }
  double server_update() const override { return cost_.update; }
  double gradient_bytes() const override { return bytes_; }

 private:
  StepCost cost_;
  double batch_size_;
  double bytes_;
};

}  // namespace

CostMaker fixed(Reader& in) {
  in.about("given durations of forward, backward and update, and optionally the gradient's bytes");
  StepCost cost;
  cost.forward = in.duration("forward", {.help = "of a batch of batch_size (of its mean, where workers differ)"});
  cost.backward = in.duration("backward", {.help = "of a batch of batch_size"});
  cost.update = in.duration(
      "update", {.fallback = 0, .help = "of the optimizer, at every worker under all-reduce, else at the server"});
  const double bytes =
      in.bytes("gradient", {.fallback = NAN, .help = "bytes on the wire; left out: 4 per parameter of the model"});
  if (!in.has("update")) in.note("update", "not given: updates take no time");
  return {false, [=](const CostInput& input) {
            return std::make_unique<Fixed>(cost, input.batch_size, std::isnan(bytes) ? input.model_bytes : bytes);
          }};
}

}  // namespace paceline::costs
