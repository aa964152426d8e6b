// none: every worker takes its workload.batch_size.
#include "sim/strategies/balance.hpp"

namespace paceline::balances {

BalanceMaker none(Reader& in) {
  in.about("every worker takes the batch size that is given");
  return {};
}

}  // namespace paceline::balances
