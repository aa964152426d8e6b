// power: everything takes worker w (w + 1)^exponent times as long, always. With exponent 1/2 it is the cluster on which
// asynchronous methods are compared, τ_i = √i, i = 1 … N (Maranjyan et al. 2025).
#include <cmath>

#include "sim/cluster/stragglers/straggler.hpp"

namespace paceline::stragglers {
namespace {

Task<> spread(StragglerWorld world, double exponent) {
  for (int worker = 0; worker < world.workers; ++worker) world.slow(worker, std::pow(worker + 1, exponent));
  co_return;
}

}  // namespace

StragglerMaker power(Reader& in) {
  in.about("worker w computes slower by (w + 1)^exponent: a cluster of very uneven workers");
  const double exponent =
      in.number("exponent", {.minimum = 0, .maximum = 10, .help = "0: all alike; 0.5: the i-th takes root i"});
  return {.run = [=](StragglerWorld world) { return spread(std::move(world), exponent); }};
}

}  // namespace paceline::stragglers
