// Run folders: scenario.json says which configuration a run is of, results.json what came of it.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "sim/core/document.hpp"
#include "sim/core/errors.hpp"
#include "sim/experiment/compare/sources.hpp"

namespace paceline::compare {
namespace {

constexpr std::size_t largest_results = std::size_t{1} << 31;

Json read_json(const std::string& file) {
  const std::string text = read_file(file, largest_results);
  try {
    return Json::parse(text, nullptr, true, true);
  } catch (const Json::exception& error) {
    throw ConfigError(fmt::format("{}: not a JSON document: {}", file, error.what()));
  }
}

double number(const Json& object, const std::string& key) {
  const Json& value = object.at(key);
  return value.is_null() ? NAN : value.get<double>();
}

struct Folder {
  std::string path, name;
  Json scenario;  // without what makes no difference to a run, and without the seed
  std::optional<double> stop_accuracy;
  int workers = 0;
  Sample sample;
};

Sample read_results(const Json& results) {
  if (results.at("schema_version").get<int>() > 1)
    throw ConfigError("written by a newer version of paceline, whose results this one does not know");
  Sample made;
  made.seed = results.at("seed").get<std::uint64_t>();
  made.identity = results.at("scenario_hash").get<std::string>() + results.at("fingerprint").get<std::string>();
  made.reason = results.at("outcome").at("reason").get<std::string>();
  for (std::size_t i = 0; i < measures; ++i)
    made.values[i] = i < stored_measures ? number(results.at("summary"), measure_names[i]) : NAN;
  for (const Json& point : results.at("curve")) {
    const double accuracy = number(point, "test_accuracy");
    if (std::isnan(accuracy) || (!made.rises.empty() && accuracy <= made.rises.back().accuracy)) continue;
    made.rises.push_back({accuracy, number(point, "time_s"), number(point, "bytes_on_wire")});
  }
  return made;
}

Folder read_folder(const std::string& path) {
  Folder made;
  made.path = path;
  const std::string file = path + "/results.json";
  if (!std::filesystem::exists(file)) {
    made.sample.reason = "interrupted";
    return made;
  }
  const Json results = read_json(file);
  try {
    made.sample = read_results(results);
    made.workers = int(results.at("workers").size());
    made.name = results.at("name").get<std::string>();
  } catch (const Json::exception& error) {
    throw ConfigError(fmt::format("{}: not the results of a run: {}", file, error.what()));
  } catch (const ConfigError& error) { throw ConfigError(fmt::format("{}: {}", file, error.what())); }
  made.sample.place = path;
  made.scenario = read_json(path + "/scenario.json");
  if (!made.scenario.is_object()) throw ConfigError(fmt::format("{}/scenario.json: must be an object", path));
  made.stop_accuracy = stop_accuracy_of(made.scenario);
  made.scenario = comparable(std::move(made.scenario));
  return made;
}

// Dotted key: value, of everything that is not an object; lists are values.
void flatten(const Json& value, const std::string& path, std::map<std::string, Json>& leaves) {
  if (!value.is_object() || value.empty()) {
    leaves[path] = value;
    return;
  }
  for (const auto& [key, inner] : value.items()) flatten(inner, path.empty() ? key : path + "." + key, leaves);
}

}  // namespace

Json comparable(Json scenario) {
  for (const char* key : {"seed", "name", "description", "output", "$schema", "schema_version"}) scenario.erase(key);
  return scenario;
}

std::vector<std::string> differing(const std::vector<Json>& scenarios) {
  std::vector<std::map<std::string, Json>> leaves(scenarios.size());
  for (std::size_t i = 0; i < scenarios.size(); ++i) flatten(scenarios[i], "", leaves[i]);
  std::set<std::string> keys;
  for (const auto& one : leaves)
    for (const auto& [key, value] : one) keys.insert(key);
  std::set<std::string> found;
  for (const std::string& key : keys) {
    const auto value_in = [&](const std::map<std::string, Json>& one) {
      const auto at = one.find(key);
      return at == one.end() ? std::string() : at->second.dump();
    };
    for (const auto& one : leaves)
      if (value_in(one) != value_in(leaves[0])) found.insert(key);
  }
  std::set<std::string> objects;
  for (const std::string& key : found)
    if (key.ends_with(".kind")) objects.insert(key.substr(0, key.size() - 5));
  std::vector<std::string> made;
  for (std::string key : found) {
    for (const std::string& object : objects)
      if (key.starts_with(object + ".")) {
        key = object;
        break;  // the outermost: objects are in order
      }
    if (made.empty() || made.back() != key) made.push_back(key);
  }
  return made;
}

void read_run_folders(const std::vector<std::string>& folders, Runs& into) {
  std::map<std::string, std::size_t> known;
  std::vector<Json> scenarios;
  std::vector<Configuration> made;
  for (const std::string& path : folders) {
    Folder run = read_folder(path);
    if (const std::string& reason = run.sample.reason;
        reason == "interrupted" || reason == "limit" || reason == "deadlock") {
      into.notes.push_back(fmt::format("{} is left out: it did not reach its end ({})", path, reason));
      continue;
    }
    const auto [at, is_new] = known.emplace(nlohmann::json(run.scenario).dump(), made.size());  // its keys sorted
    if (is_new) {
      const std::string place = std::filesystem::path(path).parent_path().string();
      scenarios.push_back(run.scenario);
      made.push_back({.scenario = run.name,
                      .place = place.empty() ? "." : place,
                      .resolved = run.scenario.dump(),
                      .workers = run.workers,
                      .stop_accuracy = run.stop_accuracy,
                      .samples = {}});
    }
    made[at->second].samples.push_back(std::move(run.sample));
  }
  if (!scenarios.empty())
    for (const std::string& key : differing(scenarios))
      for (std::size_t i = 0; i < made.size(); ++i) {
        const Json* value = descend(scenarios[i], key);
        made[i].axes[key] = value ? *value : Json();
      }
  for (Configuration& each : made) into.configurations.push_back(std::move(each));
}

}  // namespace paceline::compare
