// normal: Y = 1 + sigma z, truncated at 0 (z > -1/sigma), divided by its mean, so that the mean is 1.
// With a = -1/sigma: P(z > a) = Phi(-a), mean of Y = 1 + sigma phi(a) / Phi(-a).
#include <cmath>
#include <numbers>

#include "sim/cluster/jitter/jitter.hpp"
#include "sim/core/random.hpp"

namespace paceline::jitters {

Jitter normal(Reader& in) {
  in.about("normal with mean 1, truncated at 0 and rescaled");
  const double sigma =
      in.number("sigma", {.minimum = 0, .maximum = 10, .help = "standard deviation before truncation"});
  if (sigma == 0) return [](double) { return 1.0; };
  const double a = -1 / sigma;
  const double below = std::erfc(-a / std::numbers::sqrt2) / 2;
  const double mean = 1 + sigma * std::exp(-a * a / 2) / std::sqrt(2 * std::numbers::pi) / (1 - below);
  return [=](double u) { return std::max(0.0, 1 + sigma * normal_quantile(below + u * (1 - below))) / mean; };
}

}  // namespace paceline::jitters
