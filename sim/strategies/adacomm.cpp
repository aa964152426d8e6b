// adacomm: adaptive communication (Wang & Joshi 2019): local SGD whose period follows the loss F. At the first
// averaging of every `interval` of simulated time
//     τ = ⌈τ₀ · √(F / F₀)⌉,
// F being the mean loss of the workers' latest batches, F₀ that of their first ones. Without numerics τ = τ₀.
#include <cmath>
#include <numeric>

#include "sim/strategies/meeting.hpp"
#include "sim/strategies/replicas.hpp"
#include "sim/strategies/strategy.hpp"

namespace paceline::strategies {
namespace {

struct Options {
  std::int64_t period = 1;
  double interval = 0;  // seconds
  AlgorithmMaker algorithm;
};

constexpr double same = 1 - 1e-6;  // losses come from float32: what rounding adds does not lengthen the period

struct Pace {
  std::vector<double> losses;        // of the latest batches, by worker
  std::vector<double> first_losses;  // of their first ones
  double due;                        // when the period is set anew
  std::int64_t period, next;         // next: local steps at the next averaging
};

class AdaComm final : public Strategy {
 public:
  AdaComm(Training& training, const Options& options)
      : training_(training),
        options_(options),
        replicas_(training),
        everybody_(training, training.members(), options.algorithm, record_),
        pace_{std::vector<double>(std::size_t(training.workers())),
              std::vector<double>(std::size_t(training.workers())), options.interval, options.period, options.period} {}

  Task<> work(Worker& me) override {
    for (std::int64_t t = me.steps_in_phase(); !me.finished(); ++t) {
      GradientRef g = me.next_gradient(replicas_.at(me.rank()));
      co_await me.compute(g);
      co_await me.update(g);
      replicas_.step(g);
      pace_.losses[std::size_t(me.rank())] = g->loss.value_or(0);
      if (t == 0) pace_.first_losses[std::size_t(me.rank())] = g->loss.value_or(0);
      if (t + 1 == pace_.next)
        co_await everybody_.meet(
            me, t, training_.cost().gradient_bytes(), [this] { average(); }, [this] { training_.updated(false); });
    }
  }

  std::shared_ptr<const Values> evaluated() override { return replicas_.mean(); }
  std::any saved() const override { return State{replicas_.saved(), pace_}; }
  void restore(const std::any& saved) override {
    const auto& state = std::any_cast<const State&>(saved);
    replicas_.restore(state.replicas);
    pace_ = state.pace;
  }
  std::vector<Check> checks() const override { return {record_.check()}; }

 private:
  struct State {
    std::any replicas;
    Pace pace;
  };

  void average() {
    const auto mean = replicas_.mean();
    for (int w = 0; w < replicas_.size(); ++w) replicas_.set(w, mean);
    adapt();
    pace_.next += pace_.period;
  }

  void adapt() {
    const double now = to_seconds(training_.engine().now());
    if (now < pace_.due) return;
    pace_.due = (std::floor(now / options_.interval) + 1) * options_.interval;
    const double loss = std::accumulate(pace_.losses.begin(), pace_.losses.end(), 0.0),
                 first = std::accumulate(pace_.first_losses.begin(), pace_.first_losses.end(),
                                         0.0);  // both in workers' order
    if (first > 0 && std::isfinite(loss))
      pace_.period = std::max<std::int64_t>(
          1, std::int64_t(std::ceil(same * double(options_.period) * std::sqrt(std::max(0.0, loss / first)))));
  }

  Training& training_;
  Options options_;
  Replicas replicas_;
  ReductionRecord record_;
  Meeting everybody_;
  Pace pace_;
};

}  // namespace

StrategyMaker adacomm(Reader& in) {
  in.about("local SGD whose period shrinks as the root of the loss (Wang & Joshi 2019)");
  Options options;
  options.period =
      in.integer("period", {.minimum = 1, .maximum = 1'000'000, .help = "local steps between averagings at first"});
  options.interval =
      in.duration("interval", {.above_minimum = true, .help = "simulated time after which the period is set anew"});
  options.algorithm =
      in.kind_or_name("algorithm", collectives::all(), {.fallback = "ring", .help = "of the averaging"});
  return {.sends_gradients = false,
          .make = [options](Training& training) { return std::make_unique<AdaComm>(training, options); }};
}

}  // namespace paceline::strategies
