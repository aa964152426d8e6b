// The store of a sweep (its schema: tools/README.md), read with a handful of statements: runs with their summaries in
// the order of the sweep, then their curves in one pass; scenarios are compared as texts, which tells apart what was
// swept twice with others.
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <set>
#include <unordered_map>

#include "sim/core/errors.hpp"
#include "sim/experiment/compare/sources.hpp"
#include "sim/experiment/sweep/store.hpp"

namespace paceline::compare {
namespace {

void check_is_sqlite(const std::string& file) {
  std::string start(16, '\0');
  std::ifstream(file, std::ios::binary).read(start.data(), 16);
  if (start != std::string("SQLite format 3\0", 16)) throw ConfigError(file + ": not an SQLite file, or a damaged one");
}

Json parse(const std::string& json, const std::string& file, std::string_view what) {
  try {
    return Json::parse(json);
  } catch (const Json::exception& error) {
    throw ConfigError(fmt::format("{}: {} is not JSON: {}", file, what, error.what()));
  }
}

void check_version(Database& store, const std::string& file) {
  const std::int64_t version = store.number("PRAGMA user_version");
  if (version > store_version)
    throw ConfigError(fmt::format("{}: a store of version {}, written by a newer paceline; this one knows version {}",
                                  file, version, store_version));
  if (version != store_version) throw ConfigError(fmt::format("{}: not the store of a sweep", file));
}

// A resolved scenario without its seed, which stands on a line of its own, two spaces in.
std::string without_seed(std::string resolved) {
  std::size_t at = resolved.find("\n  \"seed\":");
  if (at == std::string::npos) at = resolved.find("\"seed\":");
  if (at == std::string::npos) return resolved;
  std::size_t end = resolved.find_first_of(",\n}", resolved.find(':', at));
  if (end == std::string::npos) return resolved;
  if (resolved[end] == ',') ++end;  // of the two commas around it one goes with it
  else if (at > 0 && resolved[at - 1] == ',') --at;
  return resolved.erase(at, end - at);
}

// Which of the runs are of one configuration: the name of their scenario, their axes, the scenario but for its seed.
class Grouping {
 public:
  explicit Grouping(const std::string& file) : file_(file) {}

  Configuration& of(const std::string& scenario, const std::string& axes, const std::string& resolved) {
    const auto [at, is_new] = known_.emplace(scenario + '\n' + axes + '\n' + resolved, made.size());
    if (is_new) {
      Configuration& added = made.emplace_back();
      added.scenario = scenario;
      added.place = file_;
      added.resolved = resolved;
      added.axes = parse(axes, file_, "runs.axes");
      if (!added.axes.is_object()) throw ConfigError(fmt::format("{}: runs.axes is not an object: {}", file_, axes));
      if (resolved.find("\"accuracy\"") != std::string::npos)
        added.stop_accuracy = stop_accuracy_of(parse(resolved, file_, "runs.scenario"));
    }
    return made[at->second];
  }

  std::vector<Configuration> made;

 private:
  std::string file_;
  std::unordered_map<std::string, std::size_t> known_;
};

void note_missing(Database& store, const std::string& file, Runs& into) {
  Statement rows(store, "SELECT state, count(*), min(error) FROM runs WHERE state <> 'done' GROUP BY state");
  while (rows.step()) {
    const std::string state = rows.text(0), error = rows.text(2);
    const std::int64_t count = rows.integer(1);
    into.notes.push_back(
        fmt::format("{}: {} {} {}{}", file, count, count == 1 ? "run is" : "runs are",
                    state == "failed" ? "left out: failed" : "not finished: " + state,
                    error.empty() ? "" : fmt::format(" ({}{})", count > 1 ? "one of the errors: " : "", error)));
  }
}

}  // namespace

void read_store(const std::string& file, Runs& into) {
  check_is_sqlite(file);
  Database store(file, Database::Mode::read);
  store.execute("BEGIN");  // one state of it, though a sweep may go on
  check_version(store, file);
  if (Statement baseline(store, "SELECT value FROM sweep WHERE key = 'baseline'");
      baseline.step() && into.baseline.is_null())
    into.baseline = parse(baseline.text(0), file, "the baseline of the sweep");
  Grouping grouping(file);
  std::unordered_map<std::string, std::pair<std::size_t, std::size_t>> places;  // by hash: configuration, sample
  std::set<std::string> known;
  for (Statement columns(store, "SELECT name FROM pragma_table_info('summary')"); columns.step();)
    known.insert(columns.text(0));
  std::string columns;
  for (std::size_t i = 0; i < stored_measures; ++i)  // a column is there once a run has had a value
    columns += known.contains(measure_names[i]) ? fmt::format(", s.{}", measure_names[i]) : ", NULL";
  const std::string workers = known.contains("workers") ? "s.workers" : "0";
  std::size_t unsound = 0, cut = 0;
  Statement rows(store, "SELECT r.hash, r.scenario_name, r.axes, r.seed, s.reason, s.fingerprint, " + workers +
                            ", s.failed_check, r.scenario" + columns +
                            " FROM runs r JOIN summary s ON s.hash = r.hash WHERE r.state = 'done' ORDER BY "
                            "r.position, r.hash");
  while (rows.step()) {
    Sample sample;
    sample.reason = rows.text(4);
    if (sample.reason == "interrupted" || sample.reason == "limit" || sample.reason == "deadlock") {
      ++cut;
      continue;
    }
    if (!rows.is_null(7)) ++unsound;
    Configuration& configuration = grouping.of(rows.text(1), rows.text(2), without_seed(rows.text(8)));
    const std::string hash = rows.text(0);
    sample.seed = std::uint64_t(rows.integer(3));
    sample.identity = hash + rows.text(5);
    sample.place = file;
    sample.values.fill(NAN);
    for (std::size_t i = 0; i < stored_measures; ++i) sample.values[i] = rows.number(int(9 + i));
    configuration.workers = int(rows.integer(6));
    places[hash] = {std::size_t(&configuration - grouping.made.data()), configuration.samples.size()};
    configuration.samples.push_back(std::move(sample));
  }
  std::string last;
  Sample* sample = nullptr;
  Statement curve(store,
                  "SELECT hash, test_accuracy, time_s, bytes_on_wire FROM curve WHERE test_accuracy IS NOT NULL ORDER "
                  "BY hash, point");
  while (curve.step()) {
    if (const std::string hash = curve.text(0); hash != last) {
      last = hash;
      const auto at = places.find(last);
      sample = at == places.end() ? nullptr : &grouping.made[at->second.first].samples[at->second.second];
    }
    const double accuracy = curve.number(1);
    if (sample && (sample->rises.empty() || accuracy > sample->rises.back().accuracy))
      sample->rises.push_back({accuracy, curve.number(2), curve.number(3)});
  }
  note_missing(store, file, into);
  const auto some = [](std::size_t count) { return fmt::format("{} run{}", count, count == 1 ? "" : "s"); };
  if (cut > 0)
    into.notes.push_back(fmt::format("{}: {} did not reach the end (deadlock, or a limit): left out", file, some(cut)));
  if (unsound > 0)
    into.notes.push_back(fmt::format("{}: {} broke a self-check, see summary.failed_check", file, some(unsound)));
  for (Configuration& each : grouping.made) into.configurations.push_back(std::move(each));
}

}  // namespace paceline::compare
