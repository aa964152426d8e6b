// replay: recorded durations of whole steps, {"unit": "s", "durations": [[worker 0, worker 1, …], …]}, a row per step.
// A recording of a run (output.record_cost) also holds the parts of each step, at the batch sizes that the run had, and
// what else makes a cost: with it that run is the same again.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/cluster/cost.hpp"

namespace paceline::costs {
namespace {

using Table = std::vector<std::vector<double>>;

struct Recording {
  Table durations;                  // seconds, [step][worker]; NaN: that worker had ended
  Table forward, backward, update;  // the same, of the parts; empty: they were not recorded
  std::vector<double> batch_sizes;  // by worker, of these durations; empty: the mean of the scenario's
  double gradient_bytes = NAN, server_update = NAN;
  std::vector<double> tensor_bytes;  // in backward order
  Table ready;                       // by worker and tensor, shares of the backward
};

struct Keys {
  bool repeat = false;
  double forward_share = 1.0 / 3, update = 0, gradient = NAN;
};

class Replay final : public Cost {
 public:
  Replay(std::shared_ptr<const Recording> of, const Keys& keys, const CostInput& input)
      : of_(std::move(of)), keys_(keys), batch_size_(input.batch_size) {
    bytes_ = !std::isnan(keys.gradient)         ? keys.gradient
             : !std::isnan(of_->gradient_bytes) ? of_->gradient_bytes
                                                : input.model_bytes;
    if (std::isnan(keys.gradient)) tensors_ = of_->tensor_bytes;
    for (const double tensor : tensors_) yielded_.push_back(tensor + (yielded_.empty() ? 0 : yielded_.back()));
  }
  StepCost step(int worker, std::int64_t step, int samples) const override {
    const auto rows = std::int64_t(of_->durations.size());
    const auto row = std::size_t(step % rows), column = std::size_t(worker);
    const double whole = of_->durations[row][column];
    if ((step >= rows && !keys_.repeat) || std::isnan(whole))
      throw RunError(fmt::format("workload.cost.file has {} steps, and worker {} starts a further one{}",
                                 std::isnan(whole) ? std::int64_t(row) : rows, worker,
                                 keys_.repeat ? "" : "; \"repeat\": true starts over"));
    const double part = samples / (of_->batch_sizes.empty() ? batch_size_ : of_->batch_sizes[column]);
    const double update = of_->update.empty() ? server_update() : of_->update[row][column];
    if (of_->forward.empty())
      return {whole * part * keys_.forward_share, whole * part * (1 - keys_.forward_share), update};
    return {of_->forward[row][column] * part, of_->backward[row][column] * part, update};
  }
  double server_update() const override { return std::isnan(of_->server_update) ? keys_.update : of_->server_update; }
  double gradient_bytes() const override { return bytes_; }
  std::vector<double> tensor_bytes() const override { return tensors_; }
  double ready(int worker, double bytes) const override {
    if (yielded_.empty()) return Cost::ready(worker, bytes);
    const auto tensor = std::lower_bound(yielded_.begin(), yielded_.end(), bytes * (1 - 1e-12));
    if (tensor == yielded_.end()) return 1;
    return of_->ready[std::size_t(worker)][std::size_t(tensor - yielded_.begin())];
  }

 private:
  std::shared_ptr<const Recording> of_;
  Keys keys_;
  double batch_size_, bytes_ = 0;
  std::vector<double> tensors_, yielded_;  // in backward order: bytes, and bytes up to it
};

// A table of seconds by step and worker.
void read_seconds(Reader& file, std::string_view key, std::string_view help, bool required, double unit, Table& table) {
  table = file.table(key, help, {.required = required, .gaps = true});
  for (std::size_t row = 0; row < table.size(); ++row) {
    if (int(table[row].size()) < file.context().workers && !file.describing())
      file.fail(key,
                fmt::format("row {} has {} durations for {} workers", row, table[row].size(), file.context().workers));
    for (double& each : table[row]) {
      if (each < 0) file.fail(key, fmt::format("row {} has the duration {}; none may be negative", row, each));
      each = unit < 1 ? each / std::round(1 / unit) : each * unit;
    }
  }
}

void read_recording(Reader& file, Recording& of) {
  const std::string unit =
      file.text("unit", {.choices = {"ps", "ns", "us", "ms", "s", "min", "h"}, .help = "of the durations"});
  const auto scale = parse_quantity("1" + unit, Dimension::duration).value_or(1);
  read_seconds(file, "durations", "a row per step, in it a number per worker; null: that one had ended", true, scale,
               of.durations);
  read_seconds(file, "forward", "the same, of the forward alone; left out: forward_share of it", false, scale,
               of.forward);
  read_seconds(file, "backward", "the same, of the backward", false, scale, of.backward);
  read_seconds(file, "update", "the same, of the optimizer at the worker", false, scale, of.update);
  of.batch_sizes = file.numbers(
      "batch_sizes", {.minimum = 1, .help = "by worker, of these durations; left out: the mean of the scenario's"});
  if (const auto update = file.optional_number("server_update", {.minimum = 0, .help = "of the optimizer at a server"}))
    of.server_update = scale < 1 ? *update / std::round(1 / scale) : *update * scale;
  of.gradient_bytes = file.optional_number("gradient_bytes", {.minimum = 0, .help = "on the wire"}).value_or(NAN);
  of.tensor_bytes = file.numbers("tensor_bytes", {.minimum = 0, .help = "of its tensors, in backward order"});
  of.ready = file.table("ready", "by worker and tensor: shares of the backward after which they are ready",
                        {.required = false});
  if (file.describing()) return;
  const auto workers = std::size_t(file.context().workers);
  if (of.durations.empty()) file.fail("durations", "must have at least one row");
  if (of.forward.empty() != of.backward.empty()) file.fail("", "needs \"forward\" and \"backward\", or none of them");
  for (const auto& [key, table] :
       {std::pair("forward", &of.forward), {"backward", &of.backward}, {"update", &of.update}})
    if (!table->empty() && table->size() != of.durations.size())
      file.fail(key, fmt::format("has {} rows, and \"durations\" {}", table->size(), of.durations.size()));
  if (!of.batch_sizes.empty() && of.batch_sizes.size() < workers)
    file.fail("batch_sizes", fmt::format("has {} sizes for {} workers", of.batch_sizes.size(), workers));
  if (of.tensor_bytes.empty() != of.ready.empty())
    file.fail("", "needs \"tensor_bytes\" and \"ready\", or none of them");
  if (!of.ready.empty() && of.ready.size() < workers)
    file.fail("ready", fmt::format("has {} rows for {} workers", of.ready.size(), workers));
  for (const auto& row : of.ready)
    if (row.size() != of.tensor_bytes.size())
      file.fail("ready", fmt::format("has a row of {} shares for {} tensors", row.size(), of.tensor_bytes.size()));
}

}  // namespace

CostMaker replay(Reader& in) {
  in.about("recorded durations of whole steps, a row per step and a column per worker");
  auto recording = std::make_shared<Recording>();
  in.document("file", "a path, or {\"unit\": \"s\", \"durations\": [[worker 0, worker 1, …], …]}",
              [&](Reader& file) { read_recording(file, *recording); });
  Keys keys;
  keys.repeat = in.boolean("repeat", false, "start over after the last row; otherwise a further step is an error");
  keys.forward_share =
      in.number("forward_share", {.minimum = 0, .maximum = 1, .fallback = 1.0 / 3, .help = "of a step's duration"});
  keys.update = in.duration(
      "update", {.fallback = 0, .help = "of the optimizer, at every worker under all-reduce, else at the server"});
  keys.gradient =
      in.bytes("gradient",
               {.fallback = NAN, .help = "bytes on the wire; left out: the file's, or 4 per parameter of the model"});
  if (!in.has("update") && std::isnan(recording->server_update)) in.note("update", "not given: updates take no time");
  return {false, [=](const CostInput& input) { return std::make_unique<Replay>(recording, keys, input); }};
}

}  // namespace paceline::costs
