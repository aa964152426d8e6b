// k_sync: K-synchronous SGD (Dutta et al. 2018, "Slow and stale gradients can win the race"). A step takes the mean of
// the first k workers' gradients and cancels the rest. With exponential times of mean 1 a step takes H_N - H_{N-k}.
#include "sim/strategies/first_gradients.hpp"

namespace paceline::strategies {

StrategyMaker k_sync(Reader& in) {
  in.about("a step takes the first k workers' gradients and cancels the rest (Dutta et al. 2018)");
  const int k = read_k(in, true, "workers whose gradients a step waits for");
  read_servers_only(in);
  return {.uses_servers = true,
          .make = [k](Training& training) { return std::make_unique<FirstGradients>(training, k, true); }};
}

}  // namespace paceline::strategies
