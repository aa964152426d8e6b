// replay: a table of who was slow when, as it was recorded: {"time": "10s", "worker": 3, "factor": 2.5, "duration":
// "4s"}, …. Entries of one worker that overlap multiply.
#include <algorithm>
#include <limits>
#include <map>

#include "sim/cluster/stragglers/straggler.hpp"

namespace paceline::stragglers {
namespace {

struct Entry {
  int worker = 0;
  double factor = 1;
  Time from{}, until{};
};

Task<> play(StragglerWorld world, std::vector<Entry> entries) {
  struct Change {
    Time at;
    std::size_t entry;
    bool begins;
  };
  std::vector<Change> changes;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    changes.push_back({entries[i].from, i, true});
    if (entries[i].until < Time::max()) changes.push_back({entries[i].until, i, false});
  }
  std::stable_sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) { return a.at < b.at; });
  std::map<int, std::map<std::size_t, double>> factors;  // by worker and entry, of those that last
  for (const Change& change : changes) {
    if (change.at > world.engine.now()) co_await world.engine.idle_sleep_until(change.at);
    const Entry& entry = entries[change.entry];
    auto& of_worker = factors[entry.worker];
    if (change.begins) of_worker[change.entry] = entry.factor;
    else of_worker.erase(change.entry);
    double product = 1;
    for (const auto& [number, factor] : of_worker) product *= factor;
    world.slow(entry.worker, product);
  }
}

Entry read_entry(Reader& in) {
  Entry entry;
  const double time = in.duration("time", {.help = "simulated time at which it begins"});
  const std::int64_t last = in.context().workers - 1;
  entry.worker = int(
      in.integer("worker", {.minimum = 0, .maximum = in.describing() ? (1 << 20) - 1 : last, .help = "who is slow"}));
  entry.factor = read_factor(in);
  const double never = std::numeric_limits<double>::infinity();
  const double duration =
      in.duration("duration", {.above_minimum = true, .fallback = never, .help = "left out: to the end"});
  entry.from = later(Time{}, span_or_never(time));
  entry.until = duration == never ? Time::max() : later(Time{}, span_or_never(time + duration));
  return entry;
}

}  // namespace

StragglerMaker replay(Reader& in) {
  in.about("a recorded table of who was slow, when, by how much and for how long");
  std::vector<Entry> entries;
  in.objects_or_file("events", "in any order", [&](Reader& entry) { entries.push_back(read_entry(entry)); });
  if (!in.describing() && entries.empty()) in.fail("events", "must name at least one");
  return {.run = [entries](StragglerWorld world) { return play(std::move(world), entries); }};
}

}  // namespace paceline::stragglers
