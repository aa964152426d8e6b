// transient: each worker is well for an exponential time, then slow by a factor for another, and so on: memoryless,
// an alternating renewal process that begins well. Over a long time it is slow for
// mean_duration / (mean_time_between + mean_duration) of the time.
#include "sim/cluster/stragglers/straggler.hpp"

namespace paceline::stragglers {
namespace {

Task<> come_and_go(const StragglerWorld& world, int worker, double between, double duration, double factor) {
  const Stream stream = world.draws.of(worker);
  for (std::uint64_t draw = 0;; draw += 2) {
    co_await world.engine.idle_sleep(span_or_never(between * exponential_quantile(stream.uniform(draw))));
    world.slow(worker, factor);
    co_await world.engine.idle_sleep(span_or_never(duration * exponential_quantile(stream.uniform(draw + 1))));
    world.slow(worker, 1);
  }
}

}  // namespace

StragglerMaker transient(Reader& in) {
  in.about("workers become slow at random, each on its own: exponential times between and durations");
  const std::vector<int> workers = read_slowed(in);
  const double between =
      in.duration("mean_time_between",
                  {.minimum = 1e-9, .help = "from the end of a slow time to the next; exponential, by worker"});
  const double duration = in.duration("mean_duration", {.minimum = 1e-9, .help = "of a slow time; exponential"});
  const double factor = read_factor(in);
  return {.run = [=](StragglerWorld world) {
    return on_each(std::move(world), workers, [=](const StragglerWorld& own, int worker) {
      return come_and_go(own, worker, between, duration, factor);
    });
  }};
}

}  // namespace paceline::stragglers
