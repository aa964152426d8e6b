// exponential: X with P(X > x) = e^-x; mean 1, standard deviation 1. The mean of the largest of n is H_n.
#include "sim/cluster/jitter/jitter.hpp"
#include "sim/core/random.hpp"

namespace paceline::jitters {

Jitter exponential(Reader& in) {
  in.about("exponential with mean 1: memoryless, heavy variation");
  return exponential_quantile;
}

}  // namespace paceline::jitters
