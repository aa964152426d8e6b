// Link event: what happens to some links on the way: at given times, or at random. Each entry of `cluster.link_events`
// is a process per link. What entries do to one link multiplies, as stragglers do; the latest latency holds.
//
// A process must sleep idly before it makes a link worse, for which nobody can be waiting.
#pragma once
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "sim/cluster/network.hpp"
#include "sim/core/random.hpp"
#include "sim/core/registry.hpp"

namespace paceline {

// The links as they should be and what has happened to them.
class LinkStates {
 public:
  explicit LinkStates(Network& network) : network_(network) {}

  // What one event puts on a link from now on: a factor on its bandwidth (0: it is down), maybe another latency.
  struct Change {
    double factor = 1;
    std::optional<Span> latency{};
  };
  void set(LinkId link, std::size_t event, const Change& change);
  void undo(LinkId link, std::size_t event);
  void bring_up(LinkId link);  // undoes what keeps it down
  void restore(LinkId link);   // undoes everything

 private:
  void update(LinkId link);
  Network& network_;
  std::map<LinkId, std::map<std::size_t, Change>> changes_;  // by event, in the order of the list
};

// What a process of an event may do to its link.
struct LinkControl {
  Engine& engine;
  LinkStates& states;
  LinkId link;
  std::size_t event;
  Stream stream;  // of this event and link

  void set(const LinkStates::Change& change) { states.set(link, event, change); }
  void undo() { states.undo(link, event); }
};

struct LinkEventMaker {
  std::string key, pattern;  // "link": "n0 -> switch"
  std::function<Task<>(LinkControl)> run;
};

namespace link_events {

const Registry<LinkEventMaker>& all();

// The keys "link" and "at" of events at a given time, and "duration".
struct When {
  std::string link;
  Span at, duration;
};
When read_when(Reader& in, bool with_duration);
std::optional<Span> read_latency(Reader& in);

// Changes a link at a time, and back after a duration.
Task<> change_for_a_while(LinkControl control, When when, LinkStates::Change change);

}  // namespace link_events
}  // namespace paceline
