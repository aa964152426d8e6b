// gamma: the density is proportional to x^(k-1) e^(-kx); mean 1, standard deviation 1/√k. Shape 1 is exponential, a
// whole shape k the mean of k exponentials.
#include "sim/cluster/jitter/jitter.hpp"
#include "sim/core/random.hpp"

namespace paceline::jitters {

Jitter gamma(Reader& in) {
  in.about("gamma with mean 1: between exponential (shape 1) and constant (a great shape)");
  const double shape = in.number(
      "shape", {.minimum = 0.01, .maximum = 1e6, .help = "1 over the square of the coefficient of variation"});
  return [shape](double u) { return gamma_quantile(shape, u) / shape; };
}

}  // namespace paceline::jitters
