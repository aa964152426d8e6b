// bsp: bulk synchronous parallel (Valiant 1990), every step: a = Σ n_w g_w(x) / Σ n_w over all workers, n_w the samples
// of w's batch, or a = Σ g_w(x) / N; x ← optimizer(x, a). With N workers of batch b it is serial SGD with batches of
// N b; where every worker accumulates k batches first, of N k b.
#include <algorithm>
#include <limits>

#include "sim/strategies/aggregate.hpp"

namespace paceline::strategies {
namespace {

class Bsp final : public Strategy {
 public:
  Bsp(std::unique_ptr<Aggregate> aggregate, int accumulate)
      : aggregate_(std::move(aggregate)), accumulate_(accumulate) {}

  Task<> work(Worker& me) override {
    for (Parameters x = aggregate_->start(me); !me.finished();) {
      GradientRef g = me.next_gradient(std::move(x), accumulate_);
      g->only_summed = true;
      x = co_await aggregate_->next(me, g);
    }
  }
  Task<> serve(Server& server) override { return aggregate_->serve(server); }

  int batches_per_step() const override { return accumulate_; }
  std::any saved() const override { return aggregate_->saved(); }
  void restore(const std::any& saved) override { aggregate_->restore(saved); }
  std::shared_ptr<const Values> evaluated() override { return aggregate_->evaluated(); }
  std::vector<Check> checks() const override { return aggregate_->checks(); }

 private:
  std::unique_ptr<Aggregate> aggregate_;
  int accumulate_;
};

Sharding read_sharding(Reader& in) {
  const std::vector<std::string> names{"none", "zero1", "zero2", "zero3"};
  const std::string name = in.text(
      "sharding", {.choices = names,
                   .fallback = "none",
                   .help = "zero1, zero2: gradients are reduce-scattered, each worker updates its share, "
                           "parameters are all-gathered; zero3: parameters are gathered before each part of the "
                           "forward and of the backward instead"});
  return Sharding(std::find(names.begin(), names.end(), name) - names.begin());
}

}  // namespace
}  // namespace paceline::strategies

std::unique_ptr<paceline::Strategy> paceline::make_bsp(std::unique_ptr<Aggregate> aggregate, int accumulate) {
  return std::make_unique<strategies::Bsp>(std::move(aggregate), accumulate);
}

namespace paceline::strategies {

StrategyMaker bsp(Reader& in) {
  in.about("bulk synchronous parallel: all average their gradients every step");
  const AggregateMaker aggregate =
      in.kind("aggregate", aggregates::all(), {.fallback = "all_reduce", .help = "how gradients become their mean"});
  MeanOptions mean;
  mean.sharding = read_sharding(in);
  mean.accumulate = int(in.integer(
      "accumulate",
      {.minimum = 1, .maximum = 1 << 20, .fallback = 1, .help = "batches that every worker takes before all average"}));
  const std::string averaging =
      in.text("averaging", {.choices = {"weighted", "uniform"},
                            .fallback = "weighted",
                            .help = "a gradient counts by the samples of its batch, or as much as every other"});
  if (mean.sharding != Sharding::none && aggregate.uses_servers)
    in.fail("sharding", "is for all_reduce; parameter servers hold the parameters anyway");
  return {.uses_servers = aggregate.uses_servers,
          .balances = mean.accumulate == 1 && averaging == "weighted",
          .shrinks = !aggregate.uses_servers && mean.sharding == Sharding::none,
          .sharding = mean.sharding,
          .make = [aggregate, mean, averaging](Training& training) {
            const Batches& batches = training.pool().batches();
            for (int w = 0; w < training.workers(); ++w)
              if (std::int64_t{mean.accumulate} * batches.size(w) > std::numeric_limits<int>::max())
                throw ConfigError({}, "/training/strategy/accumulate",
                                  "times the batch size must be below 2^31 samples");
            training.set_averaging(averaging == "uniform" ? Averaging::uniform : Averaging::weighted);
            return make_bsp(aggregate.make(training, mean), mean.accumulate);
          }};
}

}  // namespace paceline::strategies
