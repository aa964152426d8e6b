// pareto: P(X > x) = (x_m / x)^α from x_m = (α - 1)/α on, which makes the mean 1. The mean of the largest of n is
// x_m Γ(n + 1) Γ(1 - 1/α) / Γ(n + 1 - 1/α); up to α = 2 there is no variance.
#include <cmath>

#include "sim/cluster/jitter/jitter.hpp"

namespace paceline::jitters {

Jitter pareto(Reader& in) {
  in.about("Pareto with mean 1: a heavy tail, few steps are very long");
  const double alpha = in.number(
      "alpha",
      {.minimum = 1, .maximum = 1e6, .above_minimum = true, .help = "exponent of the tail; the smaller, the heavier"});
  return [alpha, least = (alpha - 1) / alpha](double u) { return least * std::exp(-std::log1p(-u) / alpha); };
}

}  // namespace paceline::jitters
