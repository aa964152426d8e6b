// up: a link that went down carries again at `at`; what else has happened to it stays.
#include "sim/cluster/link_events/link_event.hpp"

namespace paceline::link_events {
namespace {

Task<> bring_up_at(LinkControl control, Span at) {
  co_await control.engine.sleep(at);
  control.states.bring_up(control.link);
}

}  // namespace

LinkEventMaker up(Reader& in) {
  in.about("at a time a link that went down carries again");
  const When when = read_when(in, false);
  return {"link", when.link, [=](LinkControl control) { return bring_up_at(control, when.at); }};
}

}  // namespace paceline::link_events
