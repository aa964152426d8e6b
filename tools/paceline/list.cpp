// paceline list [KIND]: the kinds of a registry, a line each; of all registries without KIND.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sim/experiment/schema.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

int list(const std::string& wanted, bool json) {
  auto report = nlohmann::ordered_json::object();
  bool found = wanted.empty();
  std::vector<std::string> names;
  std::vector<RegistryEntry> entries = registries();
  entries.insert(entries.end(), known_by_name().begin(), known_by_name().end());
  for (const RegistryEntry& entry : entries) {
    names.push_back(entry.plural);
    if (!wanted.empty() && wanted != entry.plural && wanted != entry.kinds->name()) continue;
    found = true;
    auto kinds = nlohmann::ordered_json::object();
    if (!json) fmt::print("{}{}\n", report.empty() ? "" : "\n", entry.plural);
    for (std::size_t i = 0; i < entry.kinds->kinds().size(); ++i) {
      const Description description = entry.kinds->describe(i);
      kinds[entry.kinds->kinds()[i]] = description.about;
      if (!json) fmt::print("  {:<20} {}\n", entry.kinds->kinds()[i], description.about);
    }
    report[entry.plural] = kinds;
  }
  if (!found)
    throw UsageError(fmt::format("list: there is nothing called \"{}\"{}", wanted, did_you_mean_one_of(wanted, names)));
  if (json) fmt::print("{}\n", report.dump(2));
  return done;
}

}  // namespace

Action list_verb(CLI::App& app) {
  auto kind = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  app.add_option("KIND", *kind, "strategies, models, topologies, ...");
  app.add_flag("--json", *json, "prints one JSON document");
  return [kind, json] { return list(*kind, *json); };
}

}  // namespace paceline
