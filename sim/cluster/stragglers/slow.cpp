// slow: everything takes `factor` times as long between `from` and `until`.
#include <limits>

#include "sim/cluster/stragglers/straggler.hpp"

namespace paceline::stragglers {
namespace {

Task<> slow_down(StragglerWorld world, std::vector<int> workers, double factor, Span from, Span until) {
  if (from > Span{0}) co_await world.engine.idle_sleep(from);
  for (int worker : workers) world.slow(worker, factor);
  if (until == Span::max()) co_return;
  co_await world.engine.idle_sleep(until - from);
  for (int worker : workers) world.slow(worker, 1);
}

}  // namespace

StragglerMaker slow(Reader& in) {
  in.about("some workers compute slower by a factor, always or for a while");
  const double never = std::numeric_limits<double>::infinity();
  const std::vector<int> workers = in.workers("workers", "who is slow");
  const double factor = read_factor(in);
  const double from = in.duration("from", {.fallback = 0, .help = "simulated time at which it begins"});
  const double until =
      in.duration("until", {.fallback = never, .help = "simulated time at which it ends; left out: never"});
  if (!in.describing() && until <= from) in.fail("until", "must be after \"from\"");
  return {.run = [=](StragglerWorld world) {
    return slow_down(std::move(world), workers, factor, span_or_never(from), span_or_never(until));
  }};
}

}  // namespace paceline::stragglers
