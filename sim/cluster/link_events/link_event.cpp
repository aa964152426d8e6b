#include "sim/cluster/link_events/link_event.hpp"

namespace paceline {

void LinkStates::set(LinkId link, std::size_t event, const Change& change) {
  changes_[link][event] = change;
  update(link);
}

void LinkStates::undo(LinkId link, std::size_t event) {
  changes_[link].erase(event);
  update(link);
}

void LinkStates::bring_up(LinkId link) {
  std::erase_if(changes_[link], [](const auto& one) { return one.second.factor <= 0; });
  update(link);
}

void LinkStates::restore(LinkId link) {
  changes_[link].clear();
  update(link);
}

void LinkStates::update(LinkId link) {
  LinkSpec spec = network_.topology().link(link);
  for (const auto& [event, change] : changes_[link]) {
    spec.bandwidth *= change.factor;
    spec.latency = change.latency.value_or(spec.latency);
  }
  network_.set_link(link, spec);
}

namespace link_events {

When read_when(Reader& in, bool with_duration) {
  When when;
  when.link =
      in.text("link", {.help = "a link as in links.csv, \"n0 -> switch\"; <-> for both directions, * for any text"});
  when.at = span_or_never(in.duration("at", {.help = "simulated time at which it happens"}));
  when.duration = Span::max();
  if (with_duration)
    when.duration =
        span_or_never(in.duration("duration", {.above_minimum = true,
                                               .fallback = std::numeric_limits<double>::infinity(),
                                               .help = "after which the link is as before; left out: it stays so"}));
  return when;
}

std::optional<Span> read_latency(Reader& in) {
  const auto latency =
      in.optional_duration("latency", {.maximum = 3600, .help = "one-way, from then on; left out: as it was"});
  if (!latency) return {};
  return span_of(*latency);
}

Task<> change_for_a_while(LinkControl control, When when, LinkStates::Change change) {
  Engine& engine = control.engine;
  co_await engine.idle_sleep(when.at);
  control.set(change);
  if (when.duration == Span::max()) co_return;
  if (change.factor > 0) co_await engine.idle_sleep(when.duration);
  else co_await engine.sleep(when.duration);
  control.undo();
}

}  // namespace link_events
}  // namespace paceline
