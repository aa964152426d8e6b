// down: a link carries nothing from `at` on, for good or for a while. Flows take a detour, or wait.
#include "sim/cluster/link_events/link_event.hpp"

namespace paceline::link_events {

LinkEventMaker down(Reader& in) {
  in.about("from a time on a link carries nothing: flows take a detour, or wait until it is up");
  const When when = read_when(in, true);
  return {"link", when.link, [=](LinkControl control) { return change_for_a_while(control, when, {.factor = 0}); }};
}

}  // namespace paceline::link_events
