// random: each link fails or slows down again and again: it is well for an exponential time, then has a part of its
// bandwidth (0: it is down) for another. Memoryless: an alternating renewal process; over a long time it is ill for
// mean_duration / (mean_time_between + mean_duration) of the time.
#include "sim/cluster/link_events/link_event.hpp"

namespace paceline::link_events {
namespace {

Task<> flap(LinkControl control, double between, double duration, double factor) {
  Engine& engine = control.engine;
  for (std::uint64_t draw = 0;; draw += 2) {
    const Stream& stream = control.stream;
    co_await engine.idle_sleep(span_or_never(between * exponential_quantile(stream.uniform(draw))));
    control.set({.factor = factor});
    const Span ill = span_or_never(duration * exponential_quantile(stream.uniform(draw + 1)));
    if (factor > 0) co_await engine.idle_sleep(ill);
    else co_await engine.sleep(ill);
    control.undo();
  }
}

}  // namespace

LinkEventMaker random(Reader& in) {
  in.about("links fail or slow down at random, each on its own: exponential times between and durations");
  const std::string links =
      in.text("links", {.help = "each link that it means, as in links.csv; <-> for both directions, * for any text"});
  const double between = in.duration(
      "mean_time_between", {.minimum = 1e-9, .help = "from the end of one event to the next; exponential, per link"});
  const double duration = in.duration("mean_duration", {.minimum = 1e-9, .help = "of an event; exponential"});
  const double factor =
      in.number("factor", {.minimum = 0, .maximum = 1, .fallback = 0, .help = "on its bandwidth; 0: it is down"});
  return {"links", links, [=](LinkControl control) { return flap(control, between, duration, factor); }};
}

}  // namespace paceline::link_events
