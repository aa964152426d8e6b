// spike: with a probability a step takes a factor longer, or a time longer. It strikes the drawn duration of forward
// and backward together; each step of each worker on its own.
#include "sim/cluster/stragglers/straggler.hpp"

namespace paceline::stragglers {

StragglerMaker spike(Reader& in) {
  in.about("single steps take longer at random, by a factor or by a time");
  const std::vector<int> workers = read_slowed(in);
  const double probability = in.number("probability", {.minimum = 0, .maximum = 1, .help = "of each step"});
  const auto factor = in.optional_number("factor", {.minimum = 0,
                                                    .maximum = 1e6,
                                                    .above_minimum = true,
                                                    .help = "how many times longer it takes; or give the time"});
  const auto time = in.optional_duration("time", {.maximum = 1e6, .help = "that is added to it; or give the factor"});
  if (in.describing()) return {};
  if (factor.has_value() == time.has_value()) in.fail("", "needs \"factor\" or \"time\", one of them");
  std::vector<bool> struck(std::size_t(workers.back()) + 1);
  for (const int worker : workers) struck[std::size_t(worker)] = true;
  return {.strike = [=](const StragglerDraws& draws, int worker, std::int64_t step, double seconds) {
    if (std::size_t(worker) >= struck.size() || !struck[std::size_t(worker)]) return seconds;
    if (draws.of(worker).uniform(std::uint64_t(step)) >= probability) return seconds;
    return seconds * factor.value_or(1) + time.value_or(0);
  }};
}

}  // namespace paceline::stragglers
