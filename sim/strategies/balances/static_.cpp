// static: batches in proportion to the workers' speeds, b_w = B v_w / Σ v, once and for all. Speeds are those of the
// devices as the cost has them, samples over the seconds of forward and backward of a worker's first batch at its given
// size; or they are given, as where a straggler is known.
#include <fmt/format.h>

#include "sim/strategies/balance.hpp"

namespace paceline::balances {
namespace {

std::vector<double> speeds_of(const Cost& cost, const std::vector<int>& sizes) {
  std::vector<double> speeds;
  for (std::size_t w = 0; w < sizes.size(); ++w) {
    const StepCost step = cost.step(int(w), 0, sizes[w]);
    const double seconds = step.forward + step.backward;
    if (!(seconds > 0))
      throw ConfigError({}, "/workload/balance",
                        fmt::format("goes by the speeds of the devices, and a batch of worker {} takes no time: give "
                                    "\"speeds\"",
                                    w));
    speeds.push_back(sizes[w] / seconds);
  }
  return speeds;
}

}  // namespace

BalanceMaker static_(Reader& in) {
  in.about("batches in proportion to the workers' speeds, their sum kept");
  const std::vector<double> speeds = in.numbers(
      "speeds", {.minimum = 0,
                 .above_minimum = true,
                 .help = "one for each worker, in any unit; left out: those of the devices, as the cost has them"});
  if (in.has("speeds") && int(speeds.size()) != in.context().workers)
    in.fail("speeds",
            fmt::format("must list a number for each of {} workers, not {}", in.context().workers, speeds.size()));
  return {[speeds](const Cost& cost, const std::vector<int>& given) {
            return share_out(samples_of(given), speeds.empty() ? speeds_of(cost, given) : speeds);
          },
          {}};
}

}  // namespace paceline::balances
