// The sweeps in scenarios/sweeps, on a reduced size: some points of their axes and one seed, and the outcome that their
// heads and the README promise. Margins are wider than what seeds differ by, and so than another processor's rounding.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::ordered_json;

Json read_sweep(const std::string& name) {
  return Json::parse(read_document(path_of("scenarios/sweeps/" + name + ".json")).dump());
}

// One point of a sweep: a value of every axis, which must be among those of the file.
Results at(const std::string& name, const std::vector<std::pair<std::string, Json>>& point) {
  const Json sweep = read_sweep(name);
  std::vector<std::string> assignments;
  EXPECT_EQ(point.size(), sweep["axes"].size());
  for (const auto& [key, value] : point) {
    const Json& axis = sweep["axes"].at(key);
    if (axis.is_array()) EXPECT_NE(std::find(axis.begin(), axis.end(), value), axis.end()) << key << " " << value;
    else EXPECT_TRUE(value >= axis["from"] && value <= axis["to"]) << key << " " << value;
    assignments.push_back(key + "=" + value.dump());
  }
  const Results results = run("scenarios/sweeps/" + sweep["scenario"].get<std::string>(), assignments).results;
  EXPECT_TRUE(results.all_hold()) << name;
  return results;
}

double throughput(const Results& r) { return double(r.samples) / r.simulated_time_s; }
// Never is infinitely late.
double time_to_accuracy(const Results& r) {
  return r.time_to_accuracy_s.value_or(std::numeric_limits<double>::infinity());
}

constexpr double all_reduce_s = 2 * 140'746'762 * 4.0 / 12.5e9;  // of the model's gradients by a ring of many

TEST(Sweeps, StrongScalingEndsWhereTheAllReduceIsAllThereIs) {
  const auto of = [](int workers) {
    return throughput(at("strong_scaling", {{"cluster.workers", workers}, {"workload.batch_size", 8192 / workers}}));
  };
  const double one = of(1), four = of(4), most = of(256), too_many = of(1024);
  EXPECT_GT(four, 2.5 * one);
  EXPECT_LT(most, 8192 / all_reduce_s);
  EXPECT_GT(most, 0.8 * 8192 / all_reduce_s);
  EXPECT_LT(too_many, 0.9 * most);
}

TEST(Sweeps, WeakScalingLosesByTheRingsHopsAndByTheSlowestWorker) {
  const auto of = [](const char* algorithm, int workers) {
    return throughput(
        at("weak_scaling", {{"training.strategy.aggregate.algorithm", algorithm}, {"cluster.workers", workers}}));
  };
  const double one = of("ring", 1), few = of("ring", 16) / 16, ring = of("ring", 1024) / 1024,
               best = of("auto", 1024) / 1024;
  EXPECT_LT(few, 0.9 * one);
  EXPECT_LT(ring, 0.9 * few);
  EXPECT_GT(best, 1.04 * ring);
  EXPECT_LT(best, few);
  EXPECT_GT(ring, 0.45 * one);
}

TEST(Sweeps, WhoWaitsForAllIsAsSlowAsTheSlowest) {
  const auto of = [](const std::string& strategy, int factor) {
    const Json sweep = read_sweep("strategy_stragglers");
    for (const Json& each : sweep["axes"]["training.strategy"])
      if (each["kind"] == strategy)
        return at("strategy_stragglers", {{"training.strategy", each}, {"cluster.stragglers.0.factor", factor}});
    throw std::out_of_range(strategy);
  };
  const Results bsp = of("bsp", 1), slow_bsp = of("bsp", 8), slow_local = of("local_sgd", 8),
                backup = of("backup_workers", 8), async = of("async", 8);
  EXPECT_GT(time_to_accuracy(slow_bsp), 4.5 * time_to_accuracy(bsp));
  EXPECT_LT(throughput(slow_local), 1.2 * throughput(slow_bsp));
  EXPECT_LT(time_to_accuracy(backup), 0.5 * time_to_accuracy(slow_bsp));
  EXPECT_LT(time_to_accuracy(async), 0.35 * time_to_accuracy(slow_bsp));
  EXPECT_GT(throughput(async), 0.9 * throughput(bsp));
}

TEST(Sweeps, AStalenessBoundMustOutlastTheSlowness) {
  const auto of = [](int bound) { return at("staleness_bound", {{"training.strategy.staleness", bound}}); };
  const Results none = of(0), eight = of(8), enough = of(32), more = of(128);
  EXPECT_GT(throughput(eight), 1.2 * throughput(none));
  EXPECT_GT(throughput(enough), 1.5 * throughput(eight));
  EXPECT_LT(throughput(more), 1.2 * throughput(enough));
  EXPECT_LT(time_to_accuracy(enough), 0.7 * time_to_accuracy(none));
}

TEST(Sweeps, TheSlowerTheNetworkTheLongerLocalSgdMayStayApart) {
  const auto of = [](const char* bandwidth, int period) {
    return time_to_accuracy(
        at("local_sgd_bandwidth", {{"cluster.topology.bandwidth", bandwidth}, {"training.strategy.period", period}}));
  };
  EXPECT_LT(of("100Mbps", 16), 0.4 * of("100Mbps", 1));
  EXPECT_LT(of("10Gbps", 4), 1.1 * of("10Gbps", 16));
}

TEST(Sweeps, CompressionPaysOnSlowNetworksOnly) {
  const auto of = [](const char* bandwidth, std::size_t compression) {
    return at(
        "compression_bandwidth",
        {{"cluster.topology.bandwidth", bandwidth},
         {"training.compression", read_sweep("compression_bandwidth")["axes"]["training.compression"][compression]}});
  };
  EXPECT_LT(time_to_accuracy(of("100Mbps", 1)), 0.2 * time_to_accuracy(of("100Mbps", 0)));
  EXPECT_LT(throughput(of("100Gbps", 1)), 0.9 * throughput(of("100Gbps", 0)));
  EXPECT_LT(throughput(of("100Gbps", 2)), 0.96 * throughput(of("100Gbps", 0)));
}

TEST(SweepsOf, EveryFileIsInTheReadmeSaysWhatItShowsAndHasABaselineAmongItsAxes) {
  const std::string readme = read_text(path_of("scenarios/sweeps/README.md"));
  int sweeps = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path_of("scenarios/sweeps"))) {
    if (entry.path().extension() != ".json") continue;
    ++sweeps;
    const Json sweep = read_sweep(entry.path().stem().string());
    EXPECT_NE(readme.find("`" + entry.path().filename().string() + "`"), std::string::npos) << entry.path();
    EXPECT_FALSE(sweep.value("description", "").empty()) << entry.path();
    if (const Json& scenario = sweep["scenario"]; scenario.is_string()) {
      EXPECT_NO_THROW(parse_scenario(path_of("scenarios/sweeps/" + scenario.get<std::string>()))) << entry.path();
    }
    const Json baseline = sweep.value("baseline", Json::object());
    for (const auto& [key, value] : baseline.items()) {
      bool is_axis = false;
      for (const auto& [axis, values] : sweep["axes"].items())
        is_axis = is_axis || key == axis || key.starts_with(axis + ".");
      EXPECT_TRUE(is_axis) << entry.path() << ": " << key;
    }
  }
  EXPECT_GE(sweeps, 6);
}

}  // namespace
}  // namespace paceline::test
