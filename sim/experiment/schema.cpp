#include "sim/experiment/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/layers/lanes/layer.hpp"
#include "models/partition.hpp"
#include "models/schedule.hpp"
#include "sim/cluster/catalogue.hpp"
#include "sim/comm/collective.hpp"
#include "sim/experiment/minor_kinds.hpp"
#include "sim/experiment/parse.hpp"
#include "sim/experiment/sweep/sweep.hpp"
#include "sim/strategies/aggregate.hpp"
#include "topologies/fabrics/fabric.hpp"

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;

std::string type_of(const KeyDescription& key) {
  if (key.dimension)
    return fmt::format("{} with a unit, as in \"{}\"{}", name_of(*key.dimension), example_of(*key.dimension),
                       key.choices.empty() ? "" : fmt::format(", or \"{}\"", key.choices[0]));
  if (key.type == "choice" || key.type == "choice or nodes")
    return fmt::format("one of {}", fmt::join(key.choices, ", "));
  if (key.type == "kind or file")
    return fmt::format("{} (an object with \"kind\"), or the path of a file with one", key.registry->name());
  if (key.type == "kind") return fmt::format("{} (an object with \"kind\")", key.registry->name());
  if (key.type == "kinds") return fmt::format("list of {}s", key.registry->name());
  if (key.type == "integer or integers") return "integer, or a list of one for each worker";
  if (key.type == "numbers") return "list of numbers";
  if (key.type == "numbers or file") return "list of numbers, or the path of a file with one";
  if (key.type == "objects or file") return "list of objects, or the path of a file with one";
  if (key.type == "workers") return "workers, as in \"3\", \"0-3,7\" or [0, 1]";
  return key.type;
}

std::string bounds_of(const KeyDescription& key) {
  std::string text;
  if (key.minimum) text += fmt::format(", {} {:.12g}", key.above_minimum ? "above" : "at least", *key.minimum);
  if (key.maximum) text += fmt::format(", at most {:.12g}", *key.maximum);
  return text;
}

std::string row(const KeyDescription& key) {
  const std::string need = key.required ? "required" : key.fallback.empty() ? "optional" : "default " + key.fallback;
  return fmt::format("  {:<20} {}{} ({})\n  {:<20} {}\n", key.name, type_of(key), bounds_of(key), need, "", key.help);
}

std::string rows(const std::vector<KeyDescription>& keys) {
  std::string text;
  for (const KeyDescription& key : keys) text += row(key);
  return text;
}

std::string kinds_table(const Kinds& kinds) {
  std::string text;
  for (std::size_t i = 0; i < kinds.kinds().size(); ++i)
    text += fmt::format("  {:<20} {}\n", kinds.kinds()[i], kinds.describe(i).about);
  return text;
}

std::string kind_text(const Kinds& kinds, std::size_t index) {
  const Description description = kinds.describe(index);
  return fmt::format("{} ({})\n  {}\n{}{}", kinds.kinds()[index], with_article(kinds.name()), description.about,
                     description.keys.empty() ? "" : "\n", rows(description.keys));
}

std::optional<std::size_t> index_of(const Kinds& kinds, std::string_view name) {
  const auto found = std::find(kinds.kinds().begin(), kinds.kinds().end(), name);
  if (found == kinds.kinds().end()) return {};
  return std::size_t(found - kinds.kinds().begin());
}

Json schema_of(const std::vector<KeyDescription>& keys, std::vector<const Kinds*>& used, std::string_view kind = "");

Json reference(const Kinds& kinds, std::vector<const Kinds*>& used) {
  if (std::find(used.begin(), used.end(), &kinds) == used.end()) used.push_back(&kinds);
  return {{"$ref", "#/$defs/" + kinds.name()}};
}

Json schema_of(const KeyDescription& key, std::vector<const Kinds*>& used) {
  Json made = Json::object();
  if (key.type == "integer" || key.type == "number" || key.type == "boolean") made["type"] = key.type;
  if (key.type == "text" || key.type == "choice" || key.type == "path" || key.dimension) made["type"] = "string";
  if (key.type == "choice") made["enum"] = key.choices;
  if (key.type == "choice or nodes")
    made = {
        {"oneOf", {{{"enum", key.choices}}, {{"type", "array"}, {"items", {{"type", "integer"}, {"minimum", 0}}}}}}};
  if (key.type == "integers") made = {{"type", "array"}, {"items", {{"type", "integer"}}}};
  if (key.type == "numbers") made = {{"type", "array"}, {"items", {{"type", "number"}}}};
  if (key.type == "numbers or file")
    made = {{"oneOf", {{{"type", "string"}}, {{"type", "array"}, {"items", {{"type", "number"}}}}}}};
  if (key.type == "integer or integers")
    made = {{"oneOf", {{{"type", "integer"}}, {{"type", "array"}, {"items", {{"type", "integer"}}}}}}};
  if (key.type == "text or texts")
    made = {{"oneOf", {{{"type", "string"}}, {{"type", "array"}, {"items", {{"type", "string"}}}}}}};
  if (key.type == "texts") made = {{"type", "array"}, {"items", {{"type", "string"}}}};
  if (key.type == "scenario or file") made = {{"oneOf", {{{"type", "string"}}, {{"type", "object"}}}}};
  if (key.type == "axes") made["type"] = "object";
  if (key.type == "table") made = {{"type", "array"}, {"items", {{"type", "array"}, {"items", {{"type", "number"}}}}}};
  if (key.type == "workers")
    made = {{"oneOf",
             {{{"type", "string"}}, {{"type", "integer"}}, {{"type", "array"}, {"items", {{"type", "integer"}}}}}}};
  if (key.type == "object") made = schema_of(key.keys, used);
  if (key.name == "device" && key.type == "object")
    made = {{"oneOf", {{{"enum", catalogues::devices().kinds()}}, schema_of(key.keys, used)}}};
  if (key.type == "document") made = {{"oneOf", {{{"type", "string"}}, schema_of(key.keys, used)}}};
  if (key.type == "objects") made = {{"type", "array"}, {"items", schema_of(key.keys, used)}};
  if (key.type == "objects or file")
    made = {{"oneOf", {{{"type", "string"}}, {{"type", "array"}, {"items", schema_of(key.keys, used)}}}}};
  if (key.type == "kind") made = reference(*key.registry, used);
  if (key.type == "kind or file") made = {{"oneOf", {{{"type", "string"}}, reference(*key.registry, used)}}};
  if (key.type == "kind or name")
    made = {{"oneOf", {{{"enum", key.registry->kinds()}}, reference(*key.registry, used)}}};
  if (key.type == "kinds") made = {{"type", "array"}, {"items", reference(*key.registry, used)}};
  if (key.dimension) {
    made["pattern"] = "^-?[0-9.]+([eE][-+]?[0-9]+)? *[A-Za-zµ/]+$";
    if (!key.choices.empty())
      made["pattern"] = fmt::format("{}|^{}$", made["pattern"].get<std::string>(), key.choices[0]);
    made["examples"] = {example_of(*key.dimension)};
  } else {
    if (key.minimum) made[key.above_minimum ? "exclusiveMinimum" : "minimum"] = *key.minimum;
    if (key.maximum) made["maximum"] = *key.maximum;
  }
  if (!key.fallback.empty()) made["default"] = Json::parse(key.fallback);
  if (!key.help.empty()) made["description"] = key.help;
  return made;
}

Json schema_of(const std::vector<KeyDescription>& keys, std::vector<const Kinds*>& used, std::string_view kind) {
  Json properties = Json::object(), required = Json::array();
  if (!kind.empty()) {
    properties["kind"] = {{"const", kind}};
    required.push_back("kind");
  }
  for (const KeyDescription& key : keys) {
    properties[key.name] = schema_of(key, used);
    // Of the sections nothing is required: a file may leave it to those it extends, or to those that extend it.
    if (key.required && !kind.empty()) required.push_back(key.name);
  }
  Json made{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) made["required"] = required;
  return made;
}

// A schema with the definitions of all kinds that it refers to.
std::string whole_schema(const char* title, Json made, std::vector<const Kinds*> used) {
  Json definitions = Json::object();
  for (std::size_t i = 0; i < used.size(); ++i) {  // grows while kinds refer to further ones
    const Kinds& kinds = *used[i];
    Json choices = Json::array();
    for (std::size_t k = 0; k < kinds.kinds().size(); ++k) {
      const Description description = kinds.describe(k);
      Json choice = schema_of(description.keys, used, kinds.kinds()[k]);
      choice["description"] = description.about;
      choices.push_back(std::move(choice));
    }
    definitions[kinds.name()] = {{"oneOf", choices}};
  }
  Json whole{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", title}};
  whole.update(made);
  whole["$defs"] = definitions;
  return whole.dump(2) + "\n";
}

}  // namespace

const std::vector<RegistryEntry>& registries() {
  static const std::vector<RegistryEntry> all{
      {"strategies", &strategies::all()},   {"aggregates", &aggregates::all()}, {"collectives", &collectives::all()},
      {"compressors", &compressors::all()}, {"optimizers", &optimizers::all()}, {"schedules", &schedules::all()},
      {"models", &models::all()},           {"layers", &layers::all()},         {"datasets", &datasets::all()},
      {"orders", &orders::all()},           {"partitions", &partitions::all()}, {"costs", &costs::all()},
      {"topologies", &topologies::all()},   {"fabrics", &fabrics::all()},       {"jitters", &jitters::all()},
      {"stragglers", &stragglers::all()},   {"failures", &failures::all()},     {"link_events", &link_events::all()},
      {"background", &backgrounds::all()},  {"balances", &balances::all()}};
  return all;
}

const std::vector<RegistryEntry>& known_by_name() {
  static const std::vector<RegistryEntry> all{{"profiles", &catalogues::profiles()},
                                              {"devices", &catalogues::devices()}};
  return all;
}

Description describe_scenario() {
  Description description;
  Reader in(description);
  Spec spec;
  read_scenario(in, spec);
  return description;
}

std::optional<std::string> explain(const std::string& path, std::string& nearest) {
  const bool of_sweep = path == "sweep" || path.starts_with("sweep.");
  std::vector<KeyDescription> keys = of_sweep ? describe_sweep().keys : describe_scenario().keys;
  std::vector<std::string> names;
  const Kinds* kinds = nullptr;
  std::string text = (of_sweep ? "a sweep\n\n" : "a scenario\n\n") + rows(keys);
  std::string_view rest = path;
  if (of_sweep) rest.remove_prefix(std::min(rest.size(), std::string_view("sweep.").size()));
  bool first = true, missed = false;
  while (!rest.empty() && !missed) {
    const auto dot = rest.find('.');
    const std::string name(rest.substr(0, dot));
    rest.remove_prefix(dot == rest.npos ? rest.size() : dot + 1);
    names.clear();
    for (const KeyDescription& key : keys) names.push_back(key.name);
    if (kinds) names.insert(names.end(), kinds->kinds().begin(), kinds->kinds().end());
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const KeyDescription& k) { return k.name == name; });
    if (kinds && index_of(*kinds, name)) {
      text = kind_text(*kinds, *index_of(*kinds, name));
      keys = kinds->describe(*index_of(*kinds, name)).keys;
      kinds = nullptr;
    } else if (kinds && name == "kind") {
      continue;  // the text so far lists them
    } else if (key != keys.end()) {
      const KeyDescription found = *key;
      text = row(found);
      kinds = found.registry;
      if (kinds) text += "\n" + kinds_table(*kinds);
      keys = found.keys;
      if (!keys.empty()) text += "\n" + rows(keys);
    } else {
      missed = true;
      nearest = did_you_mean(name, names);
      if (!first || !rest.empty()) continue;
      for (const auto* entries : {&registries(), &known_by_name()})
        for (const RegistryEntry& entry : *entries) {
          if (const auto kind = index_of(*entry.kinds, name)) return kind_text(*entry.kinds, *kind);
          names.insert(names.end(), entry.kinds->kinds().begin(), entry.kinds->kinds().end());
        }
      nearest = did_you_mean(name, names);
    }
    first = false;
  }
  if (missed) return {};
  return text;
}

std::string scenario_schema() {
  std::vector<const Kinds*> used;
  Json made = schema_of(describe_scenario().keys, used);
  return whole_schema("paceline scenario", std::move(made), std::move(used));
}

std::string sweep_schema() {
  std::vector<const Kinds*> used;
  Json made = schema_of(describe_sweep().keys, used);
  made["required"] = {"scenario"};
  return whole_schema("paceline sweep", std::move(made), std::move(used));
}

std::string topology_schema() {
  std::vector<const Kinds*> used;
  const Json extension{{"type", "object"}, {"required", {"extends"}}};
  Json made{{"oneOf", {reference(topologies::all(), used), extension}}};
  return whole_schema("paceline topology", std::move(made), std::move(used));
}

}  // namespace paceline
