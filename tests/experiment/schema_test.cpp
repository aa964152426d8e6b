// What `list`, `explain` and `schema` tell: whole, and true of the scenarios that there are.
#include "sim/experiment/schema.hpp"

#include <gtest/gtest.h>
#include <regex.h>  // std::regex makes g++ 12 warn under the sanitizers

#include <filesystem>
#include <nlohmann/json.hpp>

#include "sim/experiment/parse.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::json;

const Json& schema() {
  static const Json made = Json::parse(scenario_schema());
  return made;
}

bool matches(const std::string& text, const std::string& pattern) {
  regex_t compiled;
  if (regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0)
    throw std::runtime_error("no pattern: " + pattern);
  const bool found = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  regfree(&compiled);
  return found;
}

// The part of JSON Schema that the schema uses. Returns the first fault, or "".
std::string fault(const Json& value, const Json& rule, const std::string& at = "") {
  static const std::set<std::string> known{"$schema",
                                           "$defs",
                                           "$ref",
                                           "title",
                                           "description",
                                           "default",
                                           "examples",
                                           "type",
                                           "properties",
                                           "required",
                                           "additionalProperties",
                                           "items",
                                           "maxItems",
                                           "oneOf",
                                           "enum",
                                           "const",
                                           "minimum",
                                           "maximum",
                                           "exclusiveMinimum",
                                           "pattern"};
  for (const auto& [word, unused] : rule.items())
    if (!known.contains(word)) return "the schema's word " + word + " is not known here";
  if (rule.contains("$ref")) {
    const std::string name = rule["$ref"].get<std::string>().substr(std::string("#/$defs/").size());
    if (!schema()["$defs"].contains(name)) return "no definition of " + name;
    if (std::string found = fault(value, schema()["$defs"][name], at); !found.empty()) return found;
  }
  if (rule.contains("oneOf")) {
    int fitting = 0;
    std::string first;
    for (const Json& each : rule["oneOf"]) {
      const std::string found = fault(value, each, at);
      if (found.empty()) ++fitting;
      else if (first.empty() || found.find("constant") == found.npos) first = found;
    }
    if (fitting != 1) return at + ": fits " + std::to_string(fitting) + " of the alternatives: " + first;
  }
  if (rule.contains("const") && value != rule["const"]) return at + ": is not the constant " + rule["const"].dump();
  if (rule.contains("enum") && std::find(rule["enum"].begin(), rule["enum"].end(), value) == rule["enum"].end())
    return at + ": is not in the enum";
  if (rule.contains("type")) {
    const std::string type = rule["type"];
    const bool fits = type == "object"    ? value.is_object()
                      : type == "array"   ? value.is_array()
                      : type == "string"  ? value.is_string()
                      : type == "boolean" ? value.is_boolean()
                      : type == "integer" ? value.is_number_integer()
                                          : value.is_number();
    if (!fits) return at + ": is no " + type;
  }
  if (value.is_number()) {
    if (rule.contains("minimum") && value < rule["minimum"]) return at + ": is below the minimum";
    if (rule.contains("maximum") && value > rule["maximum"]) return at + ": is above the maximum";
    if (rule.contains("exclusiveMinimum") && value <= rule["exclusiveMinimum"])
      return at + ": is not above the minimum";
  }
  if (value.is_string() && rule.contains("pattern") && !matches(value, rule["pattern"]))
    return at + ": does not match the pattern";
  if (value.is_array()) {
    if (rule.contains("maxItems") && value.size() > rule["maxItems"]) return at + ": has too many items";
    for (std::size_t i = 0; rule.contains("items") && i < value.size(); ++i)
      if (std::string found = fault(value[i], rule["items"], at + "/" + std::to_string(i)); !found.empty())
        return found;
  }
  if (value.is_object()) {
    for (const Json& key : rule.value("required", Json::array()))
      if (!value.contains(key)) return at + ": lacks " + key.dump();
    for (const auto& [key, inner] : value.items()) {
      if (rule.contains("properties") && rule["properties"].contains(key)) {
        if (std::string found = fault(inner, rule["properties"][key], at + "/" + key); !found.empty()) return found;
      } else if (rule.contains("additionalProperties") && rule["additionalProperties"] == false) {
        return at + ": has the unknown key " + key;
      }
    }
  }
  return "";
}

std::string fault_of(const Node& document) { return fault(Json::parse(document.dump()), schema()); }

std::vector<std::string> files_with_json(const std::string& folder) {
  std::vector<std::string> files;
  if (!std::filesystem::exists(path_of(folder))) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path_of(folder)))
    if (entry.path().extension() == ".json" && entry.path().parent_path().filename() != "sweeps")
      files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Schema, EveryScenarioThatIsRightConformsToIt) {
  int scenarios = 0;
  for (const char* folder : {"scenarios", "tests/data"})
    for (const std::string& file : files_with_json(folder)) {
      std::string resolved;
      try {
        resolved = parse_scenario(file).resolved;
      } catch (const ConfigError&) {
        continue;  // a part of a scenario, or other data; WrongInput and Scenarios see to the rest
      }
      ++scenarios;
      EXPECT_EQ(fault_of(read_extended(file)), "") << file;
      EXPECT_EQ(fault(Json::parse(resolved), schema()), "") << file;
    }
  EXPECT_GE(scenarios, 1);
}

TEST(Schema, FilesThatExtendOrAreExtendedConformAsTheyAreWritten) {
  const Json of_sweeps = Json::parse(sweep_schema());
  for (const std::string& file : files_with_json("scenarios")) {
    const Json written = Json::parse(read_document(file).dump());
    EXPECT_EQ(fault(written, std::filesystem::path(file).parent_path().filename() == "sweeps" ? of_sweeps : schema()),
              "")
        << file;
  }
}

TEST(Scenarios, ThatComeWithTheProgramAreAllRight) {
  for (const std::string& file : files_with_json("scenarios")) {
    if (file.find("/common/") != file.npos || file.find("/sweeps/") != file.npos) continue;
    EXPECT_NO_THROW(parse_scenario(file)) << file;
  }
}

TEST(Schema, SeesWhatTheParserSees) {
  const std::string right = read_text(path_of("tests/data/wrong/scenario.json"));
  const auto after = [&](const std::string& assignment) {
    Node root = parse_document(right, "right.json");
    set_path(root, assignment);
    return fault_of(root);
  };
  EXPECT_EQ(after("seed=3"), "");
  EXPECT_EQ(after("cluster.workers=0"), "/cluster/workers: is below the minimum");
  EXPECT_EQ(after("cluster.workers=4.5"), "/cluster/workers: is no integer");
  EXPECT_EQ(after("cluster.worker=4"), "/cluster: has the unknown key worker");
  EXPECT_EQ(after("cluster.topology=star.json"), "");
  EXPECT_EQ(after("cluster.placement=[1, 2]"), "");
  EXPECT_EQ(after("extends=base.json"), "");
  EXPECT_EQ(after("extends=[\"a.json\", \"b.json\"]"), "");
  for (const char* wrong : {"training.stop=[]", "training.strategy.kind=sps", "workload.cost.forward=10",
                            "workload.cost.forward=10 lightyears per s", "workload.cost={}", "cluster.failures=[1]",
                            "training.optimizer.learning_rate=0", "cluster.stragglers.0.speed=1",
                            "cluster.placement=paked", "cluster.jitter={\"kind\": \"normal\"}"})
    EXPECT_NE(after(wrong), "") << wrong;
}

TEST(Schema, DescribesEveryKeyAndDefinesEveryKindItRefersTo) {
  int keys = 0;
  const std::function<void(const Json&, const std::string&)> visit = [&](const Json& rule, const std::string& at) {
    for (const Json& each : rule.value("oneOf", Json::array())) visit(each, at);
    if (rule.contains("items")) visit(rule["items"], at);
    const Json properties = rule.value("properties", Json::object());
    for (const auto& [key, inner] : properties.items()) {
      if (key == "kind") continue;
      ++keys;
      EXPECT_FALSE(inner.value("description", "").empty()) << at << "." << key;
      visit(inner, at + "." + key);
    }
  };
  visit(schema(), "");
  for (const auto& [name, rule] : schema()["$defs"].items()) {
    visit(rule, name);
    for (const Json& kind : rule["oneOf"]) EXPECT_FALSE(kind.value("description", "").empty()) << name;
  }
  EXPECT_GT(keys, 80);
  for (const RegistryEntry& entry : registries())
    EXPECT_TRUE(entry.kinds->name() == "collective" || schema()["$defs"].contains(entry.kinds->name()))
        << entry.plural;  // named in a choice
}

// Every key and kind by its dotted path, as deep as they go.
void expect_explained(const std::vector<KeyDescription>& keys, const std::string& at, std::set<const Kinds*> above,
                      int& count) {
  const auto expect = [&](const std::string& path, const std::string& text) {
    std::string nearest;
    const auto found = explain(path, nearest);
    ASSERT_TRUE(found) << path << nearest;
    EXPECT_NE(found->find(text), std::string::npos) << path << "\n" << *found;
    ++count;
  };
  for (const KeyDescription& key : keys) {
    const std::string path = at + key.name;
    expect(path, key.help);
    EXPECT_FALSE(key.help.empty()) << path;
    expect_explained(key.keys, path + ".", above, count);
    if (!key.registry || above.contains(key.registry)) continue;
    std::set<const Kinds*> here = above;
    here.insert(key.registry);
    for (std::size_t i = 0; i < key.registry->kinds().size(); ++i) {
      const std::string kind = path + "." + key.registry->kinds()[i];
      const Description description = key.registry->describe(i);
      expect(kind, description.about);
      expect_explained(description.keys, kind + ".", here, count);
    }
  }
}

TEST(Explain, KnowsEveryKeyAndEveryKindByItsPath) {
  int count = 0;
  expect_explained(describe_scenario().keys, "", {}, count);
  EXPECT_GT(count, 150);
}

TEST(Explain, KnowsEveryKindByItsNameAlone) {
  for (const RegistryEntry& entry : registries())
    for (const std::string& kind : entry.kinds->kinds()) {
      std::string nearest;
      EXPECT_TRUE(explain(kind, nearest)) << kind;
    }
}

TEST(Explain, TellsTypeUnitBoundsDefaultAndMeaning) {
  std::string nearest;
  EXPECT_EQ(*explain("cluster.workers", nearest),
            "  workers              integer, at least 1, at most 1048576 (required)\n"
            "                       devices that train\n");
  EXPECT_EQ(*explain("cluster.servers.service", nearest),
            "  service              duration with a unit, as in \"5us\" (default \"0s\")\n"
            "                       of a request, besides the update\n");
  EXPECT_TRUE(explain("ssp", nearest)->starts_with("ssp (a strategy)\n"));
  EXPECT_TRUE(explain("shuffled", nearest)->starts_with("shuffled (an order)\n"));
  EXPECT_EQ(explain("training.strategy.kind", nearest), explain("training.strategy", nearest));
}

TEST(Explain, SaysWhatIsNearWhenThereIsNoSuchKey) {
  std::string nearest;
  EXPECT_FALSE(explain("cluster.wrokers", nearest));
  EXPECT_EQ(nearest, "; did you mean \"workers\"?");
  EXPECT_FALSE(explain("sps", nearest));
  EXPECT_EQ(nearest, "; did you mean \"ssp\"?");
  EXPECT_FALSE(explain("cluster.workers.count", nearest));
  EXPECT_FALSE(explain("..", nearest));
}

TEST(Schema, EveryReadyClusterConformsToThatOfTopologies) {
  const Json topology = Json::parse(topology_schema());
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path_of("topologies"))) {
    if (entry.path().extension() != ".json") continue;
    ++files;
    const Json cluster = Json::parse(read_text(entry.path().string()), nullptr, true, true);
    EXPECT_EQ(fault(cluster, topology), "") << entry.path();
    Json wrong = cluster;
    wrong["bandwidht"] = "1Gbps";
    if (cluster.contains("extends")) continue;
    EXPECT_NE(fault(wrong, topology), "") << entry.path();
  }
  EXPECT_GE(files, 10);
}

}  // namespace
}  // namespace paceline::test
