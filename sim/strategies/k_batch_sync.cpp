// k_batch_sync: K-batch-synchronous SGD (Dutta et al. 2018). A step takes the first k mini-batches at its parameters
// from anyone: a worker that finishes starts another at the same ones; the rest are cancelled when the new parameters
// reach them. With exponential times of mean 1 a step takes k / N.
#include "sim/strategies/first_gradients.hpp"

namespace paceline::strategies {
namespace {

class KBatchSync final : public FirstGradients {
 public:
  KBatchSync(Training& training, int k) : FirstGradients(training, k, true) {}

  Task<> work(Worker& me) override {
    for (Parameters x = me.initial(); !me.finished();) x = co_await me.until_newer(x, batches(me, x));
  }
  std::int64_t most_open(int workers) const override { return 1'000'000 + workers + needed_; }

 private:
  Task<> batches(Worker& me, Parameters x) const {
    while (!me.finished()) {
      GradientRef g = next_gradient(me, x);
      co_await me.compute(g);
      me.push(g);
    }
  }
};

}  // namespace

StrategyMaker k_batch_sync(Reader& in) {
  in.about("a step takes the first k mini-batches from anyone and cancels the rest (Dutta et al. 2018)");
  const int k = read_k(in, false, "mini-batches that a step waits for");
  read_servers_only(in);
  return {.uses_servers = true, .make = [k](Training& training) { return std::make_unique<KBatchSync>(training, k); }};
}

}  // namespace paceline::strategies
