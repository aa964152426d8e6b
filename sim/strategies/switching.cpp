// switching: one strategy after the other (Sync-Switch, Li et al. 2021). A phase lasts until so many steps, epochs, so
// much time since its start, or an accuracy of the evaluated parameters; at its end what is under way is abandoned, and
// the next one starts from those parameters with fresh optimizers and its own factor on the learning rate. With N
// workers, s synchronous steps of W batches in all: T = s t_bsp + (W - N s) t_async.
#include <fmt/format.h>

#include "sim/strategies/strategy.hpp"
#include "sim/strategies/until.hpp"

namespace paceline::strategies {
namespace {

struct Phase {
  StrategyMaker strategy;
  StopRule until;
  double rate = 1;
};
struct Options {
  std::vector<Phase> phases;
  double overhead = 0;  // seconds
};

// Everybody waits for the next phase.
class OnSwitch final : public Blocking {
 public:
  void split(Time, Time to, const Spend& spend) const override { spend(Activity::wait, to, nobody); }
};

class Switching final : public Strategy {
 public:
  Switching(Training& training, const Options& options)
      : training_(training),
        options_(options),
        over_(training.engine(), 0, "phases that are over"),
        begun_(training.engine(), 0, "phases that have begun") {
    begin(0);
  }

  Task<> work(Worker& me) override {
    const OnSwitch on;
    for (std::size_t p = 0;; ++p) {
      co_await until_over(strategies_[p]->work(me), p);
      me.abandon_all();
      co_await me.blocked(next_phase(p + 1), on);
    }
  }

  Task<> serve(Server& server) override {
    for (std::size_t p = 0;; ++p) {
      co_await until_over(serve_phase(server, p), p);
      co_await next_phase(p + 1);
    }
  }

  int batches_per_step() const override { return strategies_.back()->batches_per_step(); }
  bool global_steps() const override { return false; }
  std::int64_t most_open(int workers) const override {
    std::int64_t most = 0;
    for (const auto& each : strategies_) most = std::max(most, each->most_open(workers));
    return most;
  }
  std::shared_ptr<const Values> evaluated() override { return strategies_.back()->evaluated(); }

  std::vector<Check> checks() const override {
    std::vector<Check> all;
    for (std::size_t p = 0; p < strategies_.size(); ++p)
      for (Check& check : strategies_[p]->checks()) {
        check.name = fmt::format("phase {}: {}", p, check.name);
        all.push_back(std::move(check));
      }
    return all;
  }

  void failed(int worker) override { strategies_.back()->failed(worker); }
  void repaired(int worker) override { strategies_.back()->repaired(worker); }
  void phase_over() override { over_.raise_to(std::int64_t(strategies_.size())); }

 private:
  Task<> serve_phase(Server& server, std::size_t p) {
    if (options_.phases[p].strategy.uses_servers) co_await strategies_[p]->serve(server);
  }
  Task<> until_over(Task<> work, std::size_t phase) {
    return until_reached(training_.engine(), over_, std::int64_t(phase) + 1, std::move(work));
  }

  // The last of workers and servers to get here begins it.
  Task<> next_phase(std::size_t phase) {
    if (++here_ < training_.workers() + training_.shards()) {
      co_await begun_.reaches(std::int64_t(phase));
    } else {
      here_ = 0;
      if (options_.overhead > 0) co_await training_.engine().sleep(span_of(options_.overhead));
      begin(phase);
      begun_.raise_to(std::int64_t(phase));
    }
  }

  void begin(std::size_t p) {
    const Phase& phase = options_.phases[p];
    training_.begin_phase(phase.until, phase.rate, p > 0 && training_.pool().real() ? evaluated() : nullptr);
    strategies_.push_back(training_.make(phase.strategy));
  }

  Training& training_;
  Options options_;
  std::vector<std::unique_ptr<Strategy>> strategies_;  // of phases so far; what is on its way may still reach old ones
  Counter over_, begun_;
  int here_ = 0;
};

void read_until(Reader& in, StopRule& until) {
  until.steps = in.optional_integer("steps", {.minimum = 1, .help = "completed batches over workers in the phase"});
  until.epochs = in.optional_number(
      "epochs", {.minimum = 0, .above_minimum = true, .help = "passes over the training set in the phase"});
  until.time = in.optional_duration("time", {.above_minimum = true, .help = "simulated, since the phase began"});
  until.accuracy = in.optional_number(
      "accuracy",
      {.minimum = 0, .maximum = 1, .above_minimum = true, .help = "on the test set, checked at evaluations"});
}

bool is_bounded(const StopRule& until) { return until.steps || until.epochs || until.time || until.accuracy; }

}  // namespace

StrategyMaker switching(Reader& in) {
  in.about("one strategy after the other, as synchronous first (Sync-Switch, Li et al. 2021)");
  Options options;
  in.objects(
      "phases", "in order; each but the last needs \"until\", the last lasts until training.stop", [&](Reader& entry) {
        Phase phase;
        phase.strategy = entry.kind("strategy", all(), {.help = "any but switching"});
        entry.object("until", "whichever comes first", [&](Reader& until) { read_until(until, phase.until); });
        phase.rate = entry.number(
            "learning_rate_scale",
            {.minimum = 0, .above_minimum = true, .fallback = 1, .help = "factor on the learning rate in this phase"});
        options.phases.push_back(std::move(phase));
      });
  options.overhead =
      in.duration("overhead", {.fallback = 0, .help = "of a switch: parameters handed over, processes restarted"});
  if (in.describing()) return {};
  if (options.phases.empty()) in.fail("phases", "needs at least one phase");
  if (options.phases.size() > 1 && !in.has("overhead")) in.note("overhead", "not given: switching takes no time");
  StrategyMaker maker;
  for (std::size_t p = 0; p < options.phases.size(); ++p) {
    const StrategyMaker& each = options.phases[p].strategy;
    if (p + 1 < options.phases.size() && !is_bounded(options.phases[p].until))
      in.fail("phases", fmt::format("phase {} needs \"until\": steps, epochs, time or accuracy", p));
    if (p + 1 == options.phases.size() && is_bounded(options.phases[p].until))
      in.fail("phases", fmt::format("phase {}, the last, lasts until training.stop: it takes no \"until\"", p));
    if (each.server_momentum > 0) in.fail("phases", "server_momentum cannot differ by phase: use the optimizer's");
    if (each.switches) in.fail("phases", "cannot hold another switching");
    maker.awaits_accuracy |= options.phases[p].until.accuracy.has_value();
    maker.uses_servers |= each.uses_servers;
    maker.sends_gradients &= each.sends_gradients;
  }
  maker.switches = true;
  maker.make = [options](Training& training) { return std::make_unique<Switching>(training, options); };
  return maker;
}

}  // namespace paceline::strategies
