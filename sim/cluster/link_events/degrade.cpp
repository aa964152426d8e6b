// degrade: a link has only a part of its bandwidth, or another latency, from `at` on, for good or for a while.
#include "sim/cluster/link_events/link_event.hpp"

namespace paceline::link_events {

LinkEventMaker degrade(Reader& in) {
  in.about("from a time on a link has a part of its bandwidth, or another latency");
  const When when = read_when(in, true);
  const double factor = in.number(
      "factor", {.minimum = 0, .maximum = 1, .above_minimum = true, .fallback = 1, .help = "on its bandwidth"});
  const std::optional<Span> latency = read_latency(in);
  if (!in.describing() && factor == 1 && !latency) in.fail("", "changes nothing: give a factor below 1 or a latency");
  return {"link", when.link, [=](LinkControl control) {
            return change_for_a_while(control, when, {.factor = factor, .latency = latency});
          }};
}

}  // namespace paceline::link_events
