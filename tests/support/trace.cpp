#include "tests/support/trace.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "sim/experiment/experiment.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {

using Json = nlohmann::json;

Json Traced::json() const { return Json::parse(gunzip(path)); }

Traced traced(const std::string& scenario, std::vector<std::string> assignments, const std::string& format) {
  assignments.insert(assignments.begin(), "output.trace={}");
  assignments.push_back("output.trace.format=" + format);
  const Spec spec = parse(scenario, assignments);
  Threads threads(1);
  Experiment experiment(spec, threads);
  Traced traced;
  traced.path = scratch_folder() + "/trace" + extension_of(spec.trace.format);
  traced.results = experiment.run({.files = {.trace = traced.path}, .poll = {}});
  return traced;
}

std::string gunzip(const std::string& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (!file) throw std::runtime_error("cannot open " + path);
  std::string text;
  char block[1 << 16];
  int n = 0;
  while ((n = gzread(file, block, sizeof block)) > 0) text.append(block, std::size_t(n));
  const bool whole = gzclose(file) == Z_OK && n == 0;
  if (!whole) throw std::runtime_error(path + " is cut off or damaged");
  return text;
}

std::vector<std::string> broken_rules(const Json& trace, double end_us) {
  constexpr double tick = 1e-6, rounding = 1e-3;  // microseconds: of the clock; of a double near 1e12 us
  std::set<std::string> broken;
  struct Slice {
    double from, until;
    std::string name;
  };
  using Lane = std::pair<std::int64_t, std::int64_t>;
  std::map<Lane, std::vector<Slice>> lanes;
  std::map<std::string, std::vector<Json>> async, arrows;
  std::set<std::int64_t> processes, sorted;
  std::set<Lane> threads;
  for (const Json& event : trace.at("traceEvents")) {
    const std::string phase = event.at("ph");
    const Lane lane{event.at("pid"), event.at("tid")};
    const double ts = event.at("ts");
    if (lane.second >= std::int64_t{1} << 31) broken.insert(fmt::format("lane {} has more than 31 bits", lane.second));
    if (phase == "M") {
      if (event.at("name") == "process_name") processes.insert(lane.first);
      if (event.at("name") == "process_sort_index") sorted.insert(lane.first);
      if (event.at("name") == "thread_name") threads.insert(lane);
      continue;
    }
    if (!(ts >= 0 && ts <= end_us + rounding)) broken.insert(fmt::format("{} at {} is outside of the run", phase, ts));
    if (!processes.contains(lane.first)) broken.insert(fmt::format("process {} has no name", lane.first));
    if (phase == "C") {
      if (!event.at("args").at("value").is_number()) broken.insert("a counter without a number");
      continue;
    }
    if (!threads.contains(lane))
      broken.insert(fmt::format("lane {} of process {} has no name", lane.second, lane.first));
    if (phase == "X") {
      const double dur = event.at("dur");
      if (!(dur >= 0 && ts + dur <= end_us + rounding)) broken.insert(fmt::format("a slice that ends at {}", ts + dur));
      lanes[lane].push_back({ts, ts + dur, event.at("name")});
    } else if (phase == "b" || phase == "e") {
      async[event.at("id")].push_back(event);
    } else if (phase == "s" || phase == "f") {
      arrows[event.at("id")].push_back(event);
    } else if (phase != "i") {
      broken.insert("an event of phase " + phase);
    }
  }
  if (processes != sorted) broken.insert("processes without a place in the order");
  for (auto& [lane, slices] : lanes) {
    std::stable_sort(slices.begin(), slices.end(), [](const Slice& a, const Slice& b) {
      return a.from != b.from ? a.from < b.from : a.until > b.until;
    });
    std::vector<Slice> open;
    for (const Slice& slice : slices) {
      while (!open.empty() && open.back().until <= slice.from + tick) open.pop_back();
      if (!open.empty() && slice.until > open.back().until + rounding)
        broken.insert(fmt::format("{} overlaps {} on lane {}", slice.name, open.back().name, lane.second));
      open.push_back(slice);
    }
  }
  for (const auto& [id, halves] : async)
    if (halves.size() != 2 || halves[0].at("ph") != "b" || halves[1].at("ph") != "e" ||
        halves[0].at("ts") > halves[1].at("ts") || halves[0].at("name") != halves[1].at("name"))
      broken.insert("message " + id + " has not one beginning and one end");
  for (const auto& [id, ends] : arrows) {
    if (ends[0].at("ph") != "s" || ends.size() > 2) broken.insert("arrow " + id + " does not begin once");
    if (ends.size() == 2 && (ends[1].at("ph") != "f" || ends[0].at("ts") > ends[1].at("ts") || ends[1].at("bp") != "e"))
      broken.insert("arrow " + id + " does not end after it begins");
    for (const Json& end : ends) {
      const auto& slices = lanes[{end.at("pid"), end.at("tid")}];
      const double at = end.at("ts");
      const auto first = std::lower_bound(slices.begin(), slices.end(), at - tick,
                                          [](const Slice& slice, double time) { return slice.from < time; });
      if (first == slices.end() || first->from > at + tick) broken.insert("arrow " + id + " is tied to nothing");
    }
  }
  return {broken.begin(), broken.end()};
}

}  // namespace paceline::test
