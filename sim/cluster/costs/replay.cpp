// replay: recorded durations of whole steps, {"unit": "s", "durations": [[worker 0, worker 1, …], …]}, a row per step.
#include <fmt/format.h>

#include <cmath>

#include "sim/cluster/cost.hpp"

namespace paceline::costs {
namespace {

using Table = std::vector<std::vector<double>>;  // seconds, [step][worker]

class Replay final : public Cost {
 public:
  Replay(std::shared_ptr<const Table> table, bool repeat, double forward_share, double update, double batch_size,
         double bytes)
      : table_(std::move(table)),
        repeat_(repeat),
        forward_share_(forward_share),
        update_(update),
        batch_size_(batch_size),
        bytes_(bytes) {}
  StepCost step(int worker, std::int64_t step, int samples) const override {
    const auto rows = std::int64_t(table_->size());
    if (step >= rows && !repeat_)
      throw RunError(fmt::format(
          "workload.cost.file has {} steps, and worker {} starts a further one; \"repeat\": true starts over", rows,
          worker));
    const double whole = (*table_)[std::size_t(step % rows)][std::size_t(worker)] * samples / batch_size_;
    return {whole * forward_share_, whole * (1 - forward_share_), update_};
  }
  double server_update() const override { return update_; }
  double gradient_bytes() const override { return bytes_; }

 private:
  std::shared_ptr<const Table> table_;
  bool repeat_;
  double forward_share_, update_;
  double batch_size_;
  double bytes_;
};

}  // namespace

CostMaker replay(Reader& in) {
  in.about("recorded durations of whole steps, a row per step and a column per worker");
  auto table = std::make_shared<Table>();
  in.document("file", "a path, or {\"unit\": \"s\", \"durations\": [[worker 0, worker 1, …], …]}", [&](Reader& file) {
    const std::string unit =
        file.text("unit", {.choices = {"ps", "ns", "us", "ms", "s", "min", "h"}, .help = "of the durations"});
    const auto scale = parse_quantity("1" + unit, Dimension::duration).value_or(1);
    *table = file.table("durations", "a row per step, in it a number per worker");
    for (std::size_t row = 0; row < table->size(); ++row) {
      if (int((*table)[row].size()) < in.context().workers && !in.describing())
        file.fail("durations", fmt::format("row {} has {} durations for {} workers", row, (*table)[row].size(),
                                           in.context().workers));
      for (double& each : (*table)[row]) {
        if (!(each >= 0))
          file.fail("durations", fmt::format("row {} has the duration {}; none may be negative", row, each));
        each = scale < 1 ? each / std::round(1 / scale) : each * scale;
      }
    }
    if (table->empty() && !in.describing()) file.fail("durations", "must have at least one row");
  });
  const bool repeat =
      in.boolean("repeat", false, "start over after the last row; otherwise a further step is an error");
  const double share =
      in.number("forward_share", {.minimum = 0, .maximum = 1, .fallback = 1.0 / 3, .help = "of a step's duration"});
  const double update = in.duration(
      "update", {.fallback = 0, .help = "of the optimizer, at every worker under all-reduce, else at the server"});
  const double bytes =
      in.bytes("gradient", {.fallback = NAN, .help = "bytes on the wire; left out: 4 per parameter of the model"});
  if (!in.has("update")) in.note("update", "not given: updates take no time");
  return {false, [=](const CostInput& input) {
            return std::make_unique<Replay>(table, repeat, share, update, input.batch_size,
                                            std::isnan(bytes) ? input.model_bytes : bytes);
          }};
}

}  // namespace paceline::costs
