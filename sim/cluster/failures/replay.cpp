// replay: failures from a log, [{"time": "10s", "worker": 3, "repair": "60s"}, …].
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "sim/cluster/failures/failure.hpp"

namespace paceline::failures {
namespace {

struct Entry {
  double time, repair;  // seconds
  int worker;
};

// Those of one worker, in order; none begins before the one before is repaired.
Task<> replayed(FailureControl control, std::shared_ptr<const std::vector<Entry>> entries) {
  for (const Entry& entry : *entries) {
    if (entry.worker != control.thing) continue;
    co_await control.engine.idle_sleep_until(later(Time{}, span_of(entry.time)));
    control.fail();
    co_await control.engine.sleep(span_of(entry.repair));
    control.repaired();
  }
}

}  // namespace

FailureMaker replay(Reader& in) {
  in.about("failures of devices at given times, from a list or a file");
  auto entries = std::make_shared<std::vector<Entry>>();
  FailureMaker maker;
  in.objects_or_file("events", "in any order: when which worker's device fails, and until when", [&](Reader& entry) {
    Entry own{};
    own.time = entry.duration("time", {.help = "simulated, at which it fails"});
    own.worker = entry.describing() ? 0 : -1;
    const std::vector<int> workers = entry.workers("worker", "whose device");
    own.repair = read_repair(entry);
    if (!entry.describing() && workers.size() != 1) entry.fail("worker", "must be one worker");
    if (!workers.empty()) own.worker = workers[0];
    entries->push_back(own);
  });
  if (in.describing()) return {};
  if (entries->empty()) in.fail("events", "needs at least one");
  std::stable_sort(entries->begin(), entries->end(), [](const Entry& a, const Entry& b) { return a.time < b.time; });
  std::vector<double> repaired(static_cast<std::size_t>(in.context().workers), -1.0);
  for (const Entry& entry : *entries) {
    double& before = repaired[std::size_t(entry.worker)];
    if (entry.time < before)
      in.fail("events", fmt::format("worker {} fails at {}, before it is repaired at {}", entry.worker,
                                    show_duration(entry.time), show_duration(before)));
    before = entry.time + entry.repair;
    maker.workers.push_back(entry.worker);
  }
  std::sort(maker.workers.begin(), maker.workers.end());
  maker.workers.erase(std::unique(maker.workers.begin(), maker.workers.end()), maker.workers.end());
  maker.run = [entries](FailureControl control) { return replayed(std::move(control), entries); };
  return maker;
}

}  // namespace paceline::failures
