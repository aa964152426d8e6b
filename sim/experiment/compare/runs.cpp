#include "sim/experiment/compare/runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "sim/core/errors.hpp"
#include "sim/experiment/compare/sources.hpp"

namespace paceline::compare {
namespace {

namespace fs = std::filesystem;

enum class Source { folder, store };

bool is_sqlite(const std::string& file) {
  std::string start(15, '\0');
  std::ifstream(file, std::ios::binary).read(start.data(), std::streamsize(start.size()));
  return start == "SQLite format 3";
}

[[noreturn]] void missing(const std::string& path) {
  std::vector<std::string> names;
  const fs::path folder = fs::path(path).parent_path();
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? fs::path(".") : folder, ignored))
    names.push_back((folder / entry.path().filename()).string());
  throw ConfigError(fmt::format("{}: no such run or sweep{}", path, did_you_mean(path, names)));
}

// What an argument is, and the folder or the file itself.
std::pair<Source, std::string> find_source(const std::string& given) {
  std::string path = fs::path(given).lexically_normal().string();
  if (path.size() > 1 && path.back() == '/') path.pop_back();
  if (!fs::exists(path)) missing(path);
  if (fs::is_directory(path)) {
    const std::string store = (fs::path(path) / "sweep.sqlite").string();
    if (fs::exists(store)) return {Source::store, store};
    if (fs::exists(fs::path(path) / "results.json") || fs::exists(fs::path(path) / "scenario.json"))
      return {Source::folder, path};
    throw ConfigError(fmt::format(
        "{}: neither the folder of a run (there is no results.json) nor of a sweep (no sweep.sqlite)", path));
  }
  if (is_sqlite(path) || fs::path(path).extension() == ".sqlite") return {Source::store, path};
  if (fs::path(path).filename() == "results.json") {
    const std::string folder = fs::path(path).parent_path().string();
    return {Source::folder, folder.empty() ? "." : folder};
  }
  throw ConfigError(fmt::format("{}: not the store of a sweep; give the folder of a run or a sweep", path));
}

// A key before all others.
void put_first(Json& axes, const std::string& key, const std::string& value) {
  Json made = Json::object();
  made[key] = value;
  made.update(axes);
  axes = std::move(made);
}

// As text in which the order of keys makes no difference.
std::string sorted(const Json& axes) { return nlohmann::json(axes).dump(); }

Json scenario_of(const Configuration& configuration) {
  const Json parsed = Json::parse(configuration.resolved, nullptr, false, true);
  return parsed.is_object() ? comparable(parsed) : Json::object();
}

// Configurations of the same axes that have other scenarios, as where a sweep was done again with another base, get the
// keys in which these differ as axes, too.
void tell_apart(Runs& runs) {
  std::map<std::string, std::vector<std::size_t>> by_axes;
  for (std::size_t i = 0; i < runs.configurations.size(); ++i)
    by_axes[sorted(runs.configurations[i].axes)].push_back(i);
  for (const auto& [axes, same] : by_axes) {
    const auto& resolved = [&](std::size_t i) -> const std::string& { return runs.configurations[i].resolved; };
    if (std::all_of(same.begin(), same.end(), [&](std::size_t i) { return resolved(i) == resolved(same[0]); }))
      continue;
    std::vector<Json> scenarios;
    for (const std::size_t i : same) scenarios.push_back(scenario_of(runs.configurations[i]));
    for (const std::string& key : differing(scenarios))
      for (std::size_t i = 0; i < same.size(); ++i) {
        const Json* value = descend(scenarios[i], key);
        runs.configurations[same[i]].axes[key] = value ? *value : Json();
      }
  }
}

// An axis of some is a fact of the others, too, where their scenarios hold it.
void fill_axes(Runs& runs) {
  std::set<std::string> axes;
  for (const Configuration& each : runs.configurations)
    for (const auto& [axis, value] : each.axes.items()) axes.insert(axis);
  for (Configuration& each : runs.configurations) {
    if (each.axes.size() == axes.size()) continue;
    const Json scenario = scenario_of(each);
    for (const std::string& axis : axes)
      if (const Json* value = each.axes.contains(axis) ? nullptr : descend(scenario, axis)) each.axes[axis] = *value;
  }
}

// Configurations of the same axes become one; a run that was given twice is counted once. Returns two places whose runs
// have the same axes and the same seed, but are not the same run: or nothing.
std::optional<std::pair<std::string, std::string>> unite(Runs& runs) {
  std::map<std::string, std::size_t> known;
  std::vector<Configuration> united;
  std::size_t repeated = 0;
  for (Configuration& each : runs.configurations) {
    const auto [at, is_new] = known.emplace(sorted(each.axes), united.size());
    if (is_new) {
      united.push_back(std::move(each));
      continue;
    }
    auto& samples = united[at->second].samples;
    samples.insert(samples.end(), std::make_move_iterator(each.samples.begin()),
                   std::make_move_iterator(each.samples.end()));
  }
  std::optional<std::pair<std::string, std::string>> conflict;
  for (Configuration& each : united) {
    auto& samples = each.samples;
    std::stable_sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) { return a.seed < b.seed; });
    std::vector<Sample> kept;
    for (Sample& sample : samples) {
      if (kept.empty() || kept.back().seed != sample.seed) {
        kept.push_back(std::move(sample));
      } else if (kept.back().identity == sample.identity) {
        ++repeated;
      } else {
        if (!conflict) conflict = std::pair(kept.back().place, sample.place);
        kept.push_back(std::move(sample));
      }
    }
    samples = std::move(kept);
  }
  runs.configurations = std::move(united);
  if (repeated > 0 && !conflict)
    runs.notes.push_back(fmt::format("{} given twice {} counted once",
                                     repeated == 1 ? "a run" : fmt::format("{} runs", repeated),
                                     repeated == 1 ? "is" : "are"));
  return conflict;
}

}  // namespace

const Json* descend(const Json& object, std::string_view path) {
  const Json* at = &object;
  while (!path.empty()) {
    const auto dot = path.find('.');
    if (!at->is_object()) return nullptr;
    const auto found = at->find(std::string(path.substr(0, dot)));
    if (found == at->end()) return nullptr;
    at = &*found;
    path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
  }
  return at;
}

std::optional<double> stop_accuracy_of(const Json& scenario) {
  const Json* accuracy = descend(scenario, "training.stop.accuracy");
  return accuracy && accuracy->is_number() ? std::optional(accuracy->get<double>()) : std::nullopt;
}

Runs read_runs(const std::vector<std::string>& paths) {
  Runs runs;
  std::vector<std::string> folders;
  std::set<std::string> stores;
  for (const std::string& path : paths) {
    const auto [source, found] = find_source(path);
    if (source == Source::folder) folders.push_back(found);
    else if (stores.insert(fs::weakly_canonical(found).string()).second) read_store(found, runs);
  }
  if (!folders.empty()) read_run_folders(folders, runs);
  if (runs.configurations.empty())
    throw ConfigError(fmt::format("{}: no finished run{}{}", fmt::join(paths, ", "), runs.notes.empty() ? "" : ": ",
                                  fmt::join(runs.notes, "; ")));
  tell_apart(runs);
  fill_axes(runs);
  std::set<std::string> scenarios;
  for (const Configuration& each : runs.configurations) scenarios.insert(each.scenario);
  if (scenarios.size() > 1 && !stores.empty())
    for (Configuration& each : runs.configurations) put_first(each.axes, "scenario", each.scenario);
  Runs apart = stores.size() > 1 || folders.size() > 1 ? runs : Runs{};
  if (const auto versions = unite(runs)) {
    if (apart.configurations.empty())
      throw ConfigError(fmt::format("{}: the same scenario and seed, but not the same run", versions->first));
    runs = std::move(apart);
    for (Configuration& each : runs.configurations) put_first(each.axes, "from", each.place);
    if (const auto conflict = unite(runs))
      throw ConfigError(
          fmt::format("{} and {}: the same scenario and seed, but not the same run; compare runs of one "
                      "version at a time, or give each version a folder of its own",
                      conflict->first, conflict->second));
  }
  return runs;
}

}  // namespace paceline::compare
