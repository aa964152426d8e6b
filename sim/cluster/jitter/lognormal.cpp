// lognormal: exp(sigma z - sigma^2 / 2) with z standard normal; mean 1.
#include <cmath>

#include "sim/cluster/jitter/jitter.hpp"
#include "sim/core/random.hpp"

namespace paceline::jitters {

Jitter lognormal(Reader& in) {
  in.about("lognormal with mean 1: what step times of real clusters look like");
  const double sigma = in.number("sigma", {.minimum = 0, .maximum = 10, .help = "standard deviation of the logarithm"});
  return [sigma](double u) { return std::exp(sigma * normal_quantile(u) - sigma * sigma / 2); };
}

}  // namespace paceline::jitters
