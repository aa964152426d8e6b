// All registries at once: what holds for every kind, also for those that are added later.
#include <gtest/gtest.h>

#include <cmath>

#include "sim/comm/collectives/all_reduce.hpp"
#include "sim/experiment/minor_kinds.hpp"
#include "sim/experiment/parse.hpp"
#include "sim/experiment/schema.hpp"
#include "sim/strategies/aggregate.hpp"
#include "tests/support/run.hpp"

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
  expect_defaults(strategies::all(), {});
  expect_defaults(aggregates::all(), {});
  expect_defaults(collectives::all(), {});
  expect_defaults(compressors::all(), {});
  expect_defaults(optimizers::all(), {});
  expect_defaults(schedules::all(), {});
  expect_defaults(models::all(), {"mlp"});  // the list of widths must not be empty
  expect_defaults(datasets::all(), {});
  expect_defaults(orders::all(), {});
  expect_defaults(partitions::all(), {});
  expect_defaults(costs::all(), {});
  expect_defaults(topologies::all(), {"graph"});  // nor the list of nodes
  expect_defaults(jitters::all(), {});
  expect_defaults(stragglers::all(), {});
  expect_defaults(link_events::all(), {});
  expect_defaults(backgrounds::all(), {});
}

TEST(Registries, TheirDefaultsAreWhatTheyDescribe) {
  // The described default, given explicitly, is the same scenario as the one without it.
  const std::string scenario = "tests/data/wrong/scenario.json";
  const std::size_t events = run(scenario).results.performance.events;
  for (const char* set : {"cluster.servers.count=1", "cluster.servers.service=0s", "cluster.servers.shards=parallel",
                          "workload.order={\"kind\": \"shuffled\"}", "workload.partition={\"kind\": \"shared\"}",
                          "training.schedule={\"kind\": \"constant\"}", "training.compression={\"kind\": \"none\"}",
                          "numerics=true", "cluster.placement=packed", "cluster.network.fidelity=fluid",
                          "cluster.network.per_message_overhead=0s", "cluster.network.bandwidth_efficiency=1",
                          "cluster.network.sharing_noise=0", "cluster.network.sharing_interval=0s",
                          "cluster.link_events=[]", "cluster.background_traffic=[]", "training.optimizer.momentum=0"}) {
    const auto with = run(scenario, {set});
    EXPECT_EQ(with.results.performance.events, events) << set;
    EXPECT_EQ(*with.parameters, *run(scenario).parameters) << set;
  }
}

// A strategy with the least that its required keys allow.
std::string least(const Kinds& registry, std::size_t index) {
  std::string text = "{\"kind\": \"" + registry.kinds()[index] + "\"";
  for (const KeyDescription& key : registry.describe(index).keys) {
    if (!key.required) continue;
    if (key.type == "integer")
      text += fmt::format(", \"{}\": {}", key.name, std::max<std::int64_t>(1, std::int64_t(key.minimum.value_or(1))));
    else if (key.type == "number") text += fmt::format(", \"{}\": {}", key.name, key.maximum.value_or(1));
    else if (key.dimension) text += fmt::format(", \"{}\": \"{}\"", key.name, example_of(*key.dimension));
    else ADD_FAILURE() << "this test knows no value for " << registry.kinds()[index] << "." << key.name;
  }
  return text + "}";
}

TEST(Strategies, WithOneWorkerAreAllTheSameSerialDescent) {
  const std::vector<std::string> sets{"cluster.workers=1", "cluster.stragglers=[]", "training.stop.steps=20",
                                      "training.optimizer.momentum=0.9"};
  std::shared_ptr<const Values> serial;
  for (std::size_t i = 0; i < strategies::all().kinds().size(); ++i) {
    std::vector<std::string> own = sets;
    own.push_back("training.strategy=" + least(strategies::all(), i));
    SCOPED_TRACE(own.back());
    const auto made = run("tests/data/wrong/scenario.json", own);
    EXPECT_EQ(made.results.reason, "steps");
    EXPECT_EQ(made.results.steps, 20);
    EXPECT_EQ(made.results.samples, 100);
    EXPECT_EQ(made.results.staleness.max, 0);
    EXPECT_TRUE(made.results.all_hold());
    ASSERT_TRUE(made.parameters);
    if (!serial) serial = made.parameters;
    ASSERT_EQ(made.parameters->size(), serial->size());
    for (std::size_t k = 0; k < serial->size(); ++k)
      ASSERT_NEAR((*made.parameters)[k], (*serial)[k], 1e-6 * std::max(1.0f, std::abs((*serial)[k])))
          << k;  // easgd and its like round differently
  }
}

TEST(Strategies, EndAtTheirBoundAndLeaveNothingAlive) {
  for (std::size_t i = 0; i < strategies::all().kinds().size(); ++i)
    for (const char* bound : {"{\"updates\": 7}", "{\"time\": \"1s\"}", "{\"epochs\": 0.5}"}) {
      const auto made = run("tests/data/wrong/scenario.json", {"training.strategy=" + least(strategies::all(), i),
                                                               std::string("training.stop=") + bound});
      SCOPED_TRACE(strategies::all().kinds()[i] + " until " + bound);
      EXPECT_NE(std::string(bound).find(made.results.reason), std::string::npos) << made.results.reason;
      EXPECT_TRUE(made.results.all_hold());
      EXPECT_EQ(made.parameters.use_count(), 1) << "something of the run still holds its parameters";
    }
}

// "a -> b"
std::pair<std::string, std::string> ends_of(const std::string& link) {
  const auto arrow = link.find(" -> ");
  if (arrow == link.npos) throw std::runtime_error("no arrow in " + link);
  return {link.substr(0, arrow), link.substr(arrow + 4)};
}

void expect_connected(const Topology& topology) {
  std::map<int, std::string> name;  // of a node, as its links call it
  const auto expect_named = [&](int node, const std::string& by) {
    EXPECT_EQ(name.emplace(node, by).first->second, by);
  };
  std::vector<LinkId> route;
  for (int from = 0; from < topology.nodes(); ++from)
    for (int to = 0; to < topology.nodes(); ++to)
      for (std::uint64_t flow : {0u, 1u, 17u}) {
        topology.route(from, to, flow, route);
        SCOPED_TRACE(fmt::format("{} to {}, flow {}", from, to, flow));
        if (from == to || topology.links() == 0) {
          ASSERT_TRUE(route.empty());
          continue;
        }
        ASSERT_FALSE(route.empty());
        ASSERT_LE(route.size(), topology.longest_route());
        ASSERT_EQ(std::set<LinkId>(route.begin(), route.end()).size(), route.size()) << "a link twice";
        for (LinkId link : route) ASSERT_LT(link, topology.links());
        for (std::size_t i = 0; i + 1 < route.size(); ++i)
          ASSERT_EQ(ends_of(topology.link_name(route[i])).second, ends_of(topology.link_name(route[i + 1])).first);
        expect_named(from, ends_of(topology.link_name(route.front())).first);
        expect_named(to, ends_of(topology.link_name(route.back())).second);
      }
  std::set<std::string> names;
  for (const auto& [node, its] : name) names.insert(its);
  EXPECT_EQ(names.size(), name.size()) << "two nodes of one name";
}

TEST(Topologies, ConnectAllTheirNodesByContiguousRoutes) {
  const std::string link = R"({"bandwidth": "1Gbps", "latency": "1us"})",
                    keys = R"("bandwidth": "1Gbps", "latency": "1us")";
  const std::map<std::string, std::vector<std::string>> shapes{
      {"ideal", {R"({"kind": "ideal", "nodes": 6})"}},
      {"star", {R"({"kind": "star", "nodes": 6, )" + keys + "}", R"({"kind": "star", "nodes": 1, )" + keys + "}"}},
      {"leaf_spine",
       {R"({"kind": "leaf_spine", "leaves": 3, "nodes_per_leaf": 2, "spines": 2, "node_link": )" + link +
            ", \"uplink\": " + link + "}",
        R"({"kind": "leaf_spine", "leaves": 3, "nodes_per_leaf": 2, "spines": 3, "nodes": 5, "node_link": )" + link +
            ", \"uplink\": " + link + "}",
        R"({"kind": "leaf_spine", "leaves": 1, "nodes_per_leaf": 4, "spines": 1, "node_link": )" + link +
            ", \"uplink\": " + link + "}"}},
      {"graph",
       {R"({"kind": "graph", "nodes": ["a", "b", "c", "d"], "links": [{"from": "a", "to": "b", )" + keys +
            R"(}, {"from": "b", "to": "c", )" + keys + R"(}, {"from": "c", "to": "d", )" + keys +
            R"(}, {"from": "d", "to": "a", "duplex": false, )" + keys + "}]}",
        R"({"kind": "graph", "nodes": ["a", "b", "c"], "links": [{"from": "a", "to": "b", "duplex": false, )" + keys +
            R"(}, {"from": "b", "to": "c", "duplex": false, )" + keys +
            R"(}, {"from": "c", "to": "a", "duplex": false, )" + keys + "}]}"}}};
  for (const std::string& kind : topologies::all().kinds())
    EXPECT_TRUE(shapes.contains(kind)) << "no shape here of " << kind;
  for (const auto& [kind, texts] : shapes)
    for (const std::string& text : texts) {
      SCOPED_TRACE(text);
      Node object = parse_document(text, "topology.json");
      Reader::Context context;
      Reader in(object, "", context);
      in.ignore("kind", "text", "");
      const TopologyMaker maker = topologies::all().read(in, *object.find("kind"));
      const auto topology = maker.build(maker.nodes);
      EXPECT_EQ(topology->nodes(), maker.nodes);
      expect_connected(*topology);
      std::set<std::string> names;
      for (LinkId id = 0; id < topology->links(); ++id) {
        EXPECT_TRUE(names.insert(topology->link_name(id)).second) << topology->link_name(id);
        EXPECT_GT(topology->link(id).bandwidth, 0);
      }
    }
}

}  // namespace
}  // namespace paceline::test
