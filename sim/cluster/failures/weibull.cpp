// weibull: the time from a repair to the next failure is λ (-ln(1-u))^(1/k) with λ = mtbf / Γ(1 + 1/k). Shapes k below
// 1 are what logs of big clusters show: a failure makes the next one likelier (Schroeder, Gibson, DSN 2006: 0.7 to
// 0.8).
#include <cmath>

#include "sim/cluster/failures/failure.hpp"

namespace paceline::failures {

FailureMaker weibull(Reader& in) {
  in.about("Weibull failures: with a shape below 1 they come in bursts, above 1 things wear out");
  FailureMaker maker;
  read_things(in, maker);
  maker.mean = in.duration("mtbf", {.minimum = 1e-9, .help = "mean time from a repair to the next failure, of one"});
  const double shape = in.number("shape", {.minimum = 0.1, .maximum = 100, .help = "1: exponential"});
  const double repair = read_repair(in);
  maker.run = [scale = maker.mean / std::tgamma(1 + 1 / shape), shape, repair](FailureControl control) {
    return fail_again_and_again(
        std::move(control), [=](double u) { return scale * std::pow(exponential_quantile(u), 1 / shape); }, repair);
  };
  return maker;
}

}  // namespace paceline::failures
