// local_sgd: every worker runs its own optimizer; after every `period` local steps parameters are averaged by
// all-reduce (Stich 2019). Post-local SGD (Lin et al. 2020): for the first `warmup_steps` the period is 1. It converges
// as fast as synchronous SGD in the number of gradients T while the period is O(T^1/2 / (N b)^1/2).
#include "sim/strategies/meeting.hpp"
#include "sim/strategies/replicas.hpp"
#include "sim/strategies/strategy.hpp"

namespace paceline::strategies {
namespace {

struct Options {
  std::int64_t period = 1, warmup_steps = 0;
  AlgorithmMaker algorithm;
};

class LocalSgd final : public Strategy {
 public:
  LocalSgd(Training& training, const Options& options)
      : training_(training),
        options_(options),
        replicas_(training),
        everybody_(training, training.members(), options.algorithm, record_) {}

  Task<> work(Worker& me) override {
    for (std::int64_t t = me.steps_in_phase(); !me.finished(); ++t) {
      GradientRef g = me.next_gradient(replicas_.at(me.rank()));
      co_await me.compute(g);
      co_await me.update(g);
      replicas_.step(g);
      if (t < options_.warmup_steps || (t + 1) % options_.period == 0)
        co_await everybody_.meet(
            me, t, training_.cost().gradient_bytes(), [this] { average(); }, [this] { training_.updated(false); });
    }
  }

  std::shared_ptr<const Values> evaluated() override { return replicas_.mean(); }
  void joins(int worker, int from) override { replicas_.set(worker, replicas_.version(from).values); }
  std::any saved() const override { return replicas_.saved(); }
  void restore(const std::any& saved) override { replicas_.restore(saved); }
  std::vector<Check> checks() const override { return {record_.check()}; }

 private:
  void average() {
    const auto mean = replicas_.mean();
    for (int w = 0; w < replicas_.size(); ++w) replicas_.set(w, mean);
  }

  Training& training_;
  Options options_;
  Replicas replicas_;
  ReductionRecord record_;
  Meeting everybody_;
};

}  // namespace

StrategyMaker local_sgd(Reader& in) {
  in.about("local steps, parameters averaged every `period` steps (Stich 2019; post-local SGD: Lin et al. 2020)");
  Options options;
  options.period =
      in.integer("period", {.minimum = 1, .maximum = 1'000'000'000, .help = "local steps between averagings"});
  options.warmup_steps = in.integer(
      "warmup_steps",
      {.minimum = 0, .maximum = 1'000'000'000, .fallback = 0, .help = "local steps at the start with period 1"});
  options.algorithm =
      in.kind_or_name("algorithm", collectives::all(), {.fallback = "ring", .help = "of the averaging"});
  return {.sends_gradients = false, .shrinks = true, .make = [options](Training& training) {
            return std::make_unique<LocalSgd>(training, options);
          }};
}

}  // namespace paceline::strategies
