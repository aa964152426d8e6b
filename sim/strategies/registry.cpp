#include "sim/strategies/strategy.hpp"

// clang-format off
#define KINDS(kind) \
  kind(async) \
  kind(bsp) \
  kind(local_sgd) \
  kind(ssp)
// clang-format on

PACELINE_REGISTRY(StrategyMaker, strategies, "strategy", KINDS)

namespace paceline {

Task<> Strategy::serve(Server&) { throw std::logic_error("this strategy uses no servers"); }

}  // namespace paceline
