// bsp: bulk synchronous parallel, every step: a = Σ n_w g_w(x) / Σ n_w over all workers, x ← optimizer(x, a).
// With N workers of batch b it is serial SGD with batches of N b.
#include "sim/strategies/aggregate.hpp"

namespace paceline::strategies {
namespace {

class Bsp final : public Strategy {
 public:
  explicit Bsp(std::unique_ptr<Aggregate> aggregate) : aggregate_(std::move(aggregate)) {}

  Task<> work(Worker& me) override {
    for (Parameters x = me.initial(); !me.finished();) {
      GradientRef g = me.next_gradient(std::move(x));
      x = co_await aggregate_->next(me, g);
    }
  }
  Task<> serve(Server& server) override { return aggregate_->serve(server); }

  bool global_steps() const override { return true; }
  std::shared_ptr<const Values> evaluated() override { return aggregate_->evaluated(); }
  std::vector<Check> checks() const override { return aggregate_->checks(); }

 private:
  std::unique_ptr<Aggregate> aggregate_;
};

}  // namespace

StrategyMaker bsp(Reader& in) {
  in.about("bulk synchronous parallel: all average their gradients every step");
  const AggregateMaker aggregate =
      in.kind("aggregate", aggregates::all(), {.fallback = "all_reduce", .help = "how gradients become their mean"});
  return {aggregate.uses_servers, 0,
          [aggregate](Training& training) { return std::make_unique<Bsp>(aggregate.make(training)); }};
}

}  // namespace paceline::strategies
