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

class AdaComm final : public Strategy {
 public:
  AdaComm(Training& training, const Options& options)
      : training_(training),
        options_(options),
        replicas_(training),
        everybody_(training, all_ranks(training), options.algorithm, record_),
        losses_(std::size_t(training.workers())),
        first_losses_(std::size_t(training.workers())),
        next_(options.period) {}

  Task<> work(Worker& me) override {
    for (std::int64_t t = 0; !me.finished(); ++t) {
      GradientRef g = me.next_gradient(replicas_.at(me.rank()));
      co_await me.compute(g);
      co_await me.update(g);
      replicas_.step(g);
      losses_[std::size_t(me.rank())] = g->loss.value_or(0);
      if (t == 0) first_losses_[std::size_t(me.rank())] = g->loss.value_or(0);
      if (t + 1 == next_)
        co_await everybody_.meet(
            me, t, training_.cost().gradient_bytes(), [this] { average(); }, [this] { training_.updated(false); });
    }
  }

  std::shared_ptr<const Values> evaluated() override { return replicas_.mean(); }
  std::vector<Check> checks() const override { return {record_.check()}; }

 private:
  void average() {
    const auto mean = replicas_.mean();
    for (int w = 0; w < replicas_.size(); ++w) replicas_.set(w, mean);
    adapt();
    next_ += period_;
  }

  void adapt() {
    const double now = to_seconds(training_.engine().now());
    if (now < due_) return;
    due_ = (std::floor(now / options_.interval) + 1) * options_.interval;
    const double loss = std::accumulate(losses_.begin(), losses_.end(), 0.0),
                 first = std::accumulate(first_losses_.begin(), first_losses_.end(), 0.0);  // both in workers' order
    if (first > 0 && std::isfinite(loss))
      period_ = std::max<std::int64_t>(
          1, std::int64_t(std::ceil(same * double(options_.period) * std::sqrt(std::max(0.0, loss / first)))));
  }

  Training& training_;
  Options options_;
  Replicas replicas_;
  ReductionRecord record_;
  Meeting everybody_;
  std::vector<double> losses_;        // of the latest batches, by worker
  std::vector<double> first_losses_;  // of their first ones
  double due_ = options_.interval;
  std::int64_t period_ = options_.period, next_;  // next_: local steps at the next averaging
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
