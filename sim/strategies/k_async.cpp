// k_async: K-asynchronous SGD (Dutta et al. 2018). An update takes the mean of the first k gradients from k distinct
// workers, whatever their version; a worker whose gradient is in waits for the update, the others go on computing.
// k = 1 is async. With exponential times of mean 1 an update takes H_N - H_{N-k}.
#include "sim/strategies/first_gradients.hpp"

namespace paceline::strategies {
namespace {

class KAsync final : public Served {
 public:
  KAsync(Training& training, int k) : Served(training), k_(k) {}

  Task<> serve(Server& server) override {
    for (std::vector<GradientRef> in;; in.clear()) {
      while (int(in.size()) < k_) in.push_back(co_await server.next());
      sort_by_worker(in);
      co_await server.apply_mean(in, false);
      for (const GradientRef& g : in) server.answer(g->worker);
    }
  }

 private:
  int k_;
};

}  // namespace

StrategyMaker k_async(Reader& in) {
  in.about("an update takes the first k workers' gradients, however stale (Dutta et al. 2018)");
  const int k = read_k(in, true, "workers whose gradients an update waits for");
  read_servers_only(in);
  return {.uses_servers = true, .make = [k](Training& training) { return std::make_unique<KAsync>(training, k); }};
}

}  // namespace paceline::strategies
