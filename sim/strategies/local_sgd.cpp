// local_sgd: every worker runs its own optimizer; after every `period` local steps parameters are averaged by
// all-reduce (Stich 2019). Post-local SGD (Lin et al. 2020): for the first `warmup_steps` the period is 1.
#include <map>

#include "sim/strategies/reduction.hpp"
#include "sim/strategies/strategy.hpp"

namespace paceline::strategies {
namespace {

struct Options {
  std::int64_t period = 1, warmup_steps = 0;
  AlgorithmMaker algorithm;
};

class LocalSgd final : public Strategy {
 public:
  LocalSgd(Training& training, const Options& options) : training_(training), options_(options) {
    require(*options.algorithm, Op::all_reduce, training, "/training/strategy/algorithm");
    for (int w = 0; w < training.workers(); ++w) {
      Replica& replica = replicas_.emplace_back();
      replica.x = {Version{0, training.initial()}};
      if (training.pool().real()) replica.optimizer = training.optimizer().make(training.pool().tensor_sizes());
    }
  }

  Task<> work(Worker& me) override {
    Replica& mine = replicas_[std::size_t(me.rank())];
    for (std::int64_t t = 0; !me.finished(); ++t) {
      GradientRef g = me.next_gradient(mine.x);
      co_await me.compute(g);
      co_await me.update(g);
      step(mine, g);
      if (t < options_.warmup_steps || (t + 1) % options_.period == 0) co_await average(me, t);
    }
  }

  // The mean over workers, summed in their order.
  std::shared_ptr<const Values> evaluated() override {
    const Values& first = *replicas_[0].x[0].values;
    if (replicas_.size() == 1) return replicas_[0].x[0].values;
    auto mean = training_.pool().buffer();
    *mean = first;
    for (std::size_t w = 1; w < replicas_.size(); ++w)
      for (std::size_t i = 0; i < mean->size(); ++i) (*mean)[i] += (*replicas_[w].x[0].values)[i];
    for (float& each : *mean) each /= float(replicas_.size());
    return mean;
  }

  std::vector<Check> checks() const override { return {record_.check()}; }

 private:
  struct Replica {
    Parameters x;
    std::unique_ptr<Optimizer> optimizer;
  };
  struct Round {
    Reduction reduction;
    int left = 0;
    Parameters mean;
  };

  void step(Replica& mine, const GradientRef& g) {
    const auto gradient = training_.pool().value(g);
    Version next{mine.x[0].number + 1, nullptr};
    if (gradient) {
      auto values = training_.pool().buffer();
      mine.optimizer->step(mine.x[0].values->data(), gradient->data(), values->data(), training_.rate());
      next.values = std::move(values);
    }
    mine.x[0] = std::move(next);
    training_.applied(*g, 0);
  }

  // All are blocked in here until the all-reduce is through, so the first to leave finds everybody's parameters as they
  // went in.
  Task<> average(Worker& me, std::int64_t t) {
    Round& round = rounds_
                       .try_emplace(t, Round{Reduction(training_, *options_.algorithm, Op::all_reduce,
                                                       {training_.cost().gradient_bytes()}, record_),
                                             0,
                                             {}})
                       .first->second;
    Reduction::Lane lane(round.reduction, me);
    co_await me.blocked(lane.run(false), lane);
    if (round.left++ == 0) round.mean = {Version{t + 1, training_.pool().real() ? evaluated() : nullptr}};
    replicas_[std::size_t(me.rank())].x = round.mean;
    if (round.left < training_.workers()) co_return;
    training_.updated(false);
    rounds_.erase(t);
  }

  Training& training_;
  Options options_;
  std::vector<Replica> replicas_;
  std::map<std::int64_t, Round> rounds_;
  ReductionRecord record_;
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
  return {false, 0, [options](Training& training) { return std::make_unique<LocalSgd>(training, options); }};
}

}  // namespace paceline::strategies
