// periodic: slow by a factor in [offset + k period, offset + k period + duration) for k = 0, 1, …: a backup, a garbage
// collector, a neighbour with a timetable.
#include "sim/cluster/stragglers/straggler.hpp"

namespace paceline::stragglers {
namespace {

Task<> come_and_go(StragglerWorld world, std::vector<int> workers, Span period, Span duration, Span offset,
                   double factor) {
  for (Time begin = later(world.engine.now(), offset);; begin = later(begin, period)) {
    co_await world.engine.idle_sleep_until(begin);
    for (const int worker : workers) world.slow(worker, factor);
    co_await world.engine.idle_sleep_until(later(begin, duration));
    for (const int worker : workers) world.slow(worker, 1);
  }
}

}  // namespace

StragglerMaker periodic(Reader& in) {
  in.about("workers are slow by a factor again and again, at fixed times");
  const std::vector<int> workers = read_slowed(in);
  const double period = in.duration("period", {.minimum = 1e-9, .help = "from one beginning to the next"});
  const double duration = in.duration("duration", {.minimum = 1e-9, .help = "of each slow time; below the period"});
  const double offset = in.duration("offset", {.fallback = 0, .help = "simulated time of the first beginning"});
  const double factor = read_factor(in);
  if (!in.describing() && span_or_never(duration) >= span_or_never(period))
    in.fail("duration", "must be below \"period\"; for always slow workers take the kind \"slow\"");
  return {.run = [=](StragglerWorld world) {
    return come_and_go(std::move(world), workers, span_or_never(period), span_or_never(duration), span_or_never(offset),
                       factor);
  }};
}

}  // namespace paceline::stragglers
