// All registries at once: what holds for every kind, also for those that are added later.
#include <gtest/gtest.h>

#include <cmath>

#include "models/layers/lanes/layer.hpp"
#include "models/partition.hpp"
#include "models/schedule.hpp"
#include "sim/comm/collective.hpp"
#include "sim/compressors/compressor.hpp"
#include "sim/experiment/minor_kinds.hpp"
#include "sim/experiment/parse.hpp"
#include "sim/experiment/schema.hpp"
#include "sim/strategies/aggregate.hpp"
#include "sim/strategies/balance.hpp"
#include "tests/support/run.hpp"
#include "tests/support/strategies.hpp"
#include "topologies/fabrics/fabric.hpp"

namespace paceline::test {
namespace {

TEST(Registries, EveryKindSaysInOneLineWhatItIsAndDescribesItself) {
  for (const RegistryEntry& entry : registries())
    for (std::size_t i = 0; i < entry.kinds->kinds().size(); ++i) {
      const std::string name = entry.kinds->name() + " " + entry.kinds->kinds()[i];
      const Description description = entry.kinds->describe(i);
      EXPECT_FALSE(description.about.empty()) << name;
      EXPECT_EQ(description.about.find('\n'), std::string::npos) << name;
      EXPECT_LE(description.about.size(), 120u) << name;
      std::set<std::string> keys;
      for (const KeyDescription& key : description.keys) {
        EXPECT_FALSE(key.help.empty()) << name << "." << key.name;
        EXPECT_TRUE(keys.insert(key.name).second) << name << "." << key.name << " is declared twice";
        EXPECT_TRUE(key.fallback.empty() || !key.required) << name << "." << key.name;
        EXPECT_NE(key.name, "kind") << name;
      }
    }
}

TEST(Registries, NoTwoKindsOfOneRegistryHaveTheSameName) {
  for (const RegistryEntry& entry : registries()) {
    const auto& kinds = entry.kinds->kinds();
    EXPECT_FALSE(kinds.empty()) << entry.plural;
    EXPECT_EQ(std::set<std::string>(kinds.begin(), kinds.end()).size(), kinds.size()) << entry.plural;
    for (const std::string& kind : kinds)
      EXPECT_EQ(kind.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos) << kind;
  }
}

template <class Maker>
void expect_defaults(const Registry<Maker>& registry, const std::set<std::string>& without) {
  for (std::size_t i = 0; i < registry.kinds().size(); ++i) {
    const std::string& kind = registry.kinds()[i];
    const Description description = registry.describe(i);
    const bool required = std::any_of(description.keys.begin(), description.keys.end(),
                                      [](const KeyDescription& key) { return key.required; });
    if (required || without.contains(kind)) {
      EXPECT_THROW(registry.named(kind), ConfigError) << registry.name() << " " << kind;
    } else {
      EXPECT_NO_THROW(registry.named(kind)) << registry.name() << " " << kind;
    }
  }
}

TEST(Registries, EveryKindWithoutRequiredKeysIsMadeFromItsNameAlone) {
  expect_defaults(strategies::all(), {"switching"});  // the list of phases must not be empty
  expect_defaults(aggregates::all(), {});
  expect_defaults(collectives::all(), {});
  expect_defaults(compressors::all(), {});
  expect_defaults(optimizers::all(), {});
  expect_defaults(schedules::all(), {"step", "cosine", "linear_warmup"});  // a length, in epochs or in steps
  expect_defaults(models::all(), {"mlp"});                                 // the list of widths must not be empty
  expect_defaults(layers::all(), {});
  expect_defaults(datasets::all(), {"mnist", "cifar10", "csv", "text"});  // a path
  expect_defaults(orders::all(), {});
  expect_defaults(partitions::all(), {"weighted"});  // a weight for each worker
  expect_defaults(balances::all(), {});
  expect_defaults(costs::all(), {});
  expect_defaults(topologies::all(), {"graph"});  // nor the list of nodes
  expect_defaults(fabrics::all(), {});
  expect_defaults(jitters::all(), {"empirical"});  // values, or a file
  expect_defaults(stragglers::all(), {"replay"});  // at least one event
  expect_defaults(link_events::all(), {});
  expect_defaults(backgrounds::all(), {});
}

TEST(Registries, TheirDefaultsAreWhatTheyDescribe) {
  // The described default, given explicitly, is the same scenario as the one without it.
  const std::string scenario = "tests/data/wrong/scenario.json";
  const std::size_t events = run(scenario).results.performance.events;
  for (const char* set : {"cluster.servers.count=1", "cluster.servers.service=0s", "cluster.servers.shards=parallel",
                          "workload.order={\"kind\": \"shuffled\"}", "workload.partition={\"kind\": \"shared\"}",
                          "workload.balance=\"none\"", "training.schedule={\"kind\": \"constant\"}",
                          "training.compression={\"kind\": \"none\"}", "numerics=true", "cluster.placement=packed",
                          "cluster.network.fidelity=fluid", "cluster.network.per_message_overhead=0s",
                          "cluster.network.bandwidth_efficiency=1", "cluster.network.sharing_noise=0",
                          "cluster.network.sharing_interval=0s", "cluster.link_events=[]",
                          "cluster.background_traffic=[]", "training.optimizer.momentum=0"}) {
    const auto with = run(scenario, {set});
    EXPECT_EQ(with.results.performance.events, events) << set;
    EXPECT_EQ(*with.parameters, *run(scenario).parameters) << set;
  }
}

TEST(Strategies, EndAtTheirBoundAndLeaveNothingAlive) {
  for (const StrategyCase& strategy : all_strategies())
    for (const char* bound : {"{\"updates\": 7}", "{\"time\": \"1s\"}", "{\"epochs\": 0.5}"}) {
      const auto made = run("tests/data/wrong/scenario.json",
                            {"training.strategy=" + strategy.four, std::string("training.stop=") + bound});
      SCOPED_TRACE(strategy.name + " until " + bound);
      EXPECT_NE(std::string(bound).find(made.results.reason), std::string::npos) << made.results.reason;
      EXPECT_TRUE(made.results.all_hold());
      EXPECT_EQ(made.parameters.use_count(), 1) << "something of the run still holds its parameters";
    }
}

}  // namespace
}  // namespace paceline::test
