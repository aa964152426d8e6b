// k_batch_async: K-batch-asynchronous SGD (Dutta et al. 2018). An update takes the mean of the first k gradients from
// anyone; nobody waits for it: a worker goes on at once with the newest parameters. k = 1 is async. With exponential
// times of mean 1 an update takes k / N.
#include "sim/strategies/first_gradients.hpp"

namespace paceline::strategies {
namespace {

class KBatchAsync final : public Served {
 public:
  KBatchAsync(Training& training, int k) : Served(training), k_(k) {}

  Task<> serve(Server& server) override {
    for (std::vector<GradientRef> in;;) {
      in.push_back(co_await server.next());
      const int worker = in.back()->worker;
      if (int(in.size()) == k_) {
        co_await server.apply_mean(in, false);
        in.clear();
      }
      server.answer(worker);
    }
  }
  std::int64_t most_open(int workers) const override { return 2 * workers + k_; }

 private:
  int k_;
};

}  // namespace

StrategyMaker k_batch_async(Reader& in) {
  in.about("an update takes the first k gradients from anyone, and nobody waits (Dutta et al. 2018)");
  const int k = read_k(in, false, "gradients that an update waits for");
  read_servers_only(in);
  return {.uses_servers = true, .make = [k](Training& training) { return std::make_unique<KBatchAsync>(training, k); }};
}

}  // namespace paceline::strategies
