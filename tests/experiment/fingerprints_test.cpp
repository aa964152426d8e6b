// Every scenario of the repository boiled down to one comparable number: the fingerprint of its first 40 steps' events.
// A change that moves an event on purpose writes the file anew: PACELINE_UPDATE_FINGERPRINTS=1 paceline_tests
// --gtest_filter='Fingerprints.*'
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sim/experiment/csv.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::ordered_json;
const std::string stored = path_of("tests/fingerprints.json");

std::vector<std::string> scenarios() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path_of("scenarios"))) {
    const auto folder = entry.path().parent_path().filename();
    if (entry.path().extension() != ".json" || folder == "common" || folder == "sweeps") continue;
    names.push_back(std::filesystem::relative(entry.path(), path_of(".")).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string fingerprint_of(const std::string& scenario) {
  const Results results =
      run(scenario, {"numerics=false", "output.steps=false", "training.stop={\"steps\": 40}"}).results;
  EXPECT_TRUE(results.all_hold()) << scenario;
  return fmt::format("{:016x}", results.fingerprint);
}

TEST(Fingerprints, EveryScenarioMakesTheEventsThatItAlwaysMade) {
  Json now = Json::object();
  for (const std::string& scenario : scenarios()) now[scenario] = fingerprint_of(scenario);
  if (std::getenv("PACELINE_UPDATE_FINGERPRINTS")) write_file(stored, now.dump(2) + "\n");
  EXPECT_EQ(now, Json::parse(read_text(stored)));
}

TEST(Fingerprints, NameEveryEventThatMoves) {
  const std::vector<std::string> base{"numerics=false", "output.steps=false", "training.stop={\"steps\": 5}"};
  std::set<std::uint64_t> seen;
  for (const std::string change :
       {"name=same", "cluster.stragglers.0.factor=3.000001", "cluster.topology.node_link.latency=21us", "seed=2",
        "workload.cost.gradient=407081B"}) {
    std::vector<std::string> assignments = base;
    assignments.push_back(change);
    seen.insert(run("scenarios/bsp.json", assignments).results.fingerprint);
  }
  EXPECT_EQ(seen.size(), 5u);
  EXPECT_TRUE(seen.contains(run("scenarios/bsp.json", base).results.fingerprint));
}

}  // namespace
}  // namespace paceline::test
