#include "sim/strategies/recovery.hpp"

#include <cmath>

namespace paceline {

double daly_interval(double cost, double mean) {
  if (cost >= 2 * mean) return mean;
  return std::sqrt(2 * cost * mean) * (1 + std::sqrt(cost / (2 * mean)) / 3 + cost / (18 * mean)) - cost;
}

namespace {

RecoverySpec::Checkpoint read_checkpoint(Reader& in) {
  RecoverySpec::Checkpoint checkpoint;
  checkpoint.interval = in.duration_or(
      "interval", "daly", {.above_minimum = true, .help = "of training between two; \"daly\": the optimum"});
  checkpoint.cost = in.optional_duration("cost", {.help = "of writing one"});
  const auto bandwidth =
      in.optional_bandwidth("bandwidth", {.above_minimum = true, .help = "of the storage; the cost is bytes over it"});
  checkpoint.bytes =
      in.optional_bytes("bytes", {.help = "of a checkpoint; left out: parameters and the optimizer's state"});
  checkpoint.blocking = in.boolean("blocking", true,
                                   "training stands still meanwhile; false: it goes on, and until a checkpoint is "
                                   "complete the one before it holds");
  if (in.describing()) return checkpoint;
  if (checkpoint.cost.has_value() == bandwidth.has_value())
    in.fail("", "needs either \"cost\", or \"bandwidth\" of the storage");
  if (checkpoint.bytes && checkpoint.cost) in.fail("bytes", "goes with \"bandwidth\"");
  checkpoint.bandwidth = bandwidth.value_or(0);
  return checkpoint;
}

}  // namespace

std::optional<RecoverySpec> read_recovery(Reader& in) {
  RecoverySpec spec;
  const auto read = [&](Reader& own) {
    if (!own.describing() && !own.present()) return;
    spec.detection = own.duration("detection", {.help = "from a failure until it is noticed"});
    spec.restart = own.duration("restart", {.help = "of processes, once the device works again"});
    spec.elastic = own.text("mode", {.choices = {"roll_back", "elastic"},
                                     .fallback = "roll_back",
                                     .help = "where all hold the parameters together: all go back to the latest "
                                             "checkpoint; or they go on without the one that failed"}) == "elastic";
    RecoverySpec::Checkpoint checkpoint;
    const bool given = own.object("checkpoint", "left out: all go back to the start", [&](Reader& keys) {
      if (keys.describing() || keys.present()) checkpoint = read_checkpoint(keys);
    });
    if (given && spec.elastic && !own.describing())
      own.note("checkpoint", "is not used: an elastic run goes on from what those who stay have");
    else if (given) spec.checkpoint = checkpoint;
  };
  const bool given = in.object("recovery", "from failures of devices", read);
  return given ? std::optional(spec) : std::nullopt;
}

std::unique_ptr<Strategy> Training::make(const StrategyMaker& maker) {
  if (!cluster().spec().devices_fail() || maker.switches) return maker.make(*this);
  return maker.fails_alone ? failing_alone(maker, setup_.recovery, *this) : rolling_back(maker, setup_.recovery, *this);
}

}  // namespace paceline
