// restore: everything that has happened to a link is undone at `at`.
#include "sim/cluster/link_events/link_event.hpp"

namespace paceline::link_events {
namespace {

Task<> restore_at(LinkControl control, Span at) {
  co_await control.engine.sleep(at);
  control.states.restore(control.link);
}

}  // namespace

LinkEventMaker restore(Reader& in) {
  in.about("at a time everything that has happened to a link is undone");
  const When when = read_when(in, false);
  return {"link", when.link, [=](LinkControl control) { return restore_at(control, when.at); }};
}

}  // namespace paceline::link_events
