// drift: a slowdown that grows evenly from 1 at `from` to `factor` a `duration` later, and stays: a device that heats
// up, a disk that fills. In `steps` equal pieces; each has the slowdown of its middle, so that its mean is that of the
// straight line.
#include "sim/cluster/stragglers/straggler.hpp"

namespace paceline::stragglers {
namespace {

Task<> grow(StragglerWorld world, std::vector<int> workers, double factor, double from, double duration,
            std::int64_t pieces) {
  for (std::int64_t i = 0; i <= pieces; ++i) {
    const Span until = span_or_never(from + duration * double(i) / double(pieces));
    co_await world.engine.idle_sleep_until(later(Time{}, until));
    const double slowdown = i < pieces ? 1 + (factor - 1) * (double(i) + 0.5) / double(pieces) : factor;
    for (const int worker : workers) world.slow(worker, slowdown);
  }
}

}  // namespace

StragglerMaker drift(Reader& in) {
  in.about("workers become slower and slower, up to a factor");
  const std::vector<int> workers = read_slowed(in);
  const double factor = read_factor(in);
  const double from = in.duration("from", {.fallback = 0, .help = "simulated time at which it begins"});
  const double duration = in.duration("duration", {.minimum = 1e-9, .help = "until the whole factor is reached"});
  const std::int64_t pieces =
      in.integer("steps", {.minimum = 1, .maximum = 1'000'000, .fallback = 100, .help = "pieces, each of one speed"});
  return {.run = [=](StragglerWorld world) { return grow(std::move(world), workers, factor, from, duration, pieces); }};
}

}  // namespace paceline::stragglers
