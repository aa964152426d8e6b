// Comparing runs: configurations, baselines, scaling, accuracies, the Pareto front, out of stores and folders made by
// hand.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <random>

#include "sim/core/errors.hpp"
#include "sim/experiment/compare/comparison.hpp"
#include "sim/experiment/compare/pareto.hpp"
#include "tests/support/process.hpp"
#include "tests/support/run.hpp"
#include "tests/support/sweep_store.hpp"

namespace paceline::test {
namespace {

using namespace compare;
using Point = StoredRun::Point;

std::string workers(int count) { return fmt::format(R"({{"cluster.workers":{}}})", count); }

Comparison compared(const std::vector<StoredRun>& runs, const StoreOptions& store = {}, const Options& options = {}) {
  return comparison_of(read_runs({make_store(runs, store)}), options);
}

std::string error_of(const std::vector<StoredRun>& runs, const Options& options) {
  try {
    compared(runs, {}, options);
  } catch (const ConfigError& error) { return error.what(); }
  return "";
}

// Throughputs 100, 190 and 340 of 1, 2 and 4 workers, times a factor of the seed, which cancels in pairs.
std::vector<StoredRun> scaled() {
  std::vector<StoredRun> runs;
  for (const auto& [count, throughput] : std::vector<std::pair<int, double>>{{1, 100}, {2, 190}, {4, 340}})
    for (int seed = 1; seed <= 3; ++seed)
      runs.push_back({.axes = workers(count),
                      .seed = seed,
                      .workers = count,
                      .simulated_time_s = 1000 / throughput,
                      .throughput_samples_per_s = throughput * (1 + 0.1 * seed)});
  return runs;
}

TEST(Compare, SpeedUpAndEfficiencyByHand) {
  const Comparison c = compared(scaled(), {.baseline = workers(1)});
  ASSERT_EQ(c.rows.size(), 3u);
  EXPECT_FALSE(c.rows[0].against);
  for (const auto& [row, speed_up, efficiency] : {std::tuple(1u, 1.9, 0.95), {2u, 3.4, 0.85}}) {
    const AgainstBaseline& against = c.rows[row].against.value();
    EXPECT_EQ(against.common_seeds, 3u);
    EXPECT_NEAR(against.speed_up->ratio, speed_up, 1e-12);
    EXPECT_NEAR(*against.speed_up->low, speed_up, 1e-12);
    EXPECT_NEAR(against.efficiency->ratio, efficiency, 1e-12);
    EXPECT_NEAR(*against.efficiency->high, efficiency, 1e-12);
  }
  const Estimate& mean = *c.rows[2].of(Measure::throughput);
  EXPECT_NEAR(mean.mean, 340 * 1.2, 1e-9);
  EXPECT_NEAR(*mean.half_interval, 4.302653 * 34 / std::sqrt(3), 1e-4);
  EXPECT_EQ(c.rows[2].name, "workers=4");
}

// Seeds 1 to 3 of the one, 2 to 4 of the other: two pairs.
TEST(Compare, OnlyCommonSeedsArePaired) {
  std::vector<StoredRun> runs;
  for (int seed = 1; seed <= 3; ++seed) {
    runs.push_back({.axes = workers(1), .seed = seed, .simulated_time_s = 10.0 * seed});
    runs.push_back({.axes = workers(2), .seed = seed + 1, .simulated_time_s = 10.0 * (seed + 1) + seed});
  }
  const Comparison c = compared(runs);
  const Difference& difference = *c.rows[1].against->differences[index(Measure::simulated_time)];
  EXPECT_EQ(c.rows[1].against->common_seeds, 2u);
  EXPECT_DOUBLE_EQ(difference.estimate.mean, 1.5);  // 1 and 2
  EXPECT_NEAR(*difference.estimate.half_interval, 12.7062 * 0.5, 1e-4);
  EXPECT_FALSE(difference.significant);
  EXPECT_EQ(c.tested, 1u);
}

TEST(Compare, EachConfigurationHasTheBaselineThatAgreesInTheOtherAxes) {
  std::vector<Configuration> all;
  for (const char* strategy : {"bsp", "async"})
    for (const int count : {1, 2}) {
      Configuration& each = all.emplace_back();
      each.axes["cluster.workers"] = count;
      each.axes["training.strategy"] = Json{{"kind", strategy}};
    }
  using Found = std::vector<std::optional<std::size_t>>;
  EXPECT_EQ(find_baselines(all, Json()), (Found{0, 0, 0, 0}));
  EXPECT_EQ(find_baselines(all, Json{{"cluster.workers", 1}}), (Found{0, 0, 2, 2}));
  EXPECT_EQ(find_baselines(all, Json{{"training.strategy.kind", "async"}}), (Found{2, 3, 2, 3}));
  EXPECT_EQ(find_baselines(all, Json{{"training.strategy", {{"kind", "async"}}}, {"cluster.workers", 1}}),
            (Found{2, 2, 2, 2}));
  all[2].axes["cluster.workers"] = 3;  // async has no 1 any more: the only one that has is bsp's
  EXPECT_EQ(find_baselines(all, Json{{"cluster.workers", 1}}), (Found{0, 0, 0, 0}));
  all[3].axes["cluster.workers"] = 1;
  all[3].axes["training.strategy"] = Json{{"kind", "ssp"}};  // now two have
  EXPECT_EQ(find_baselines(all, Json{{"cluster.workers", 1}}), (Found{0, 0, std::nullopt, 3}));
}

TEST(Compare, ABaselineThatIsNotThereIsNamedWithWhatIs) {
  EXPECT_EQ(error_of(scaled(), {.accuracy = {}, .baseline = {"cluster.workers=3"}}),
            "baseline: no configuration has cluster.workers = 3; there are: 1, 2, 4");
  EXPECT_EQ(error_of(scaled(), {.accuracy = {}, .baseline = {"cluster.worker=1"}}),
            R"(baseline: cluster.worker is not an axis; did you mean "cluster.workers"? There are: cluster.workers)");
  EXPECT_EQ(error_of(scaled(), {.accuracy = {}, .baseline = {"4"}}), R"(--baseline: "4" is not KEY=VALUE)");
  EXPECT_EQ(error_of(scaled(), {.accuracy = 0.5, .baseline = {}}),
            "--accuracy: none of these runs was trained, so none has an accuracy");
}

std::vector<StoredRun> trained() {
  return {{.axes = workers(1), .seed = 1, .curve = {{1, 0.5, 10}, {2, 0.8, 20}, {3, 0.7, 30}, {4, 0.9, 40}}},
          {.axes = workers(1), .seed = 2, .curve = {{1, 0.6, 10}, {2, 0.7, 20}, {3, 0.85, 30}}},
          {.axes = workers(2), .seed = 1, .curve = {{1, 0.8, 15}, {2, 0.88, 30}}},
          {.axes = workers(2), .seed = 2, .curve = {{1, 0.2, 15}, {2, 0.81, 30}}}};
}

TEST(Compare, TimeAndBytesAreCountedToTheFirstPointAtTheAccuracy) {
  const Comparison c = compared(trained(), {}, {.accuracy = 0.8, .baseline = {}});
  EXPECT_EQ(c.goal->why, "as asked");
  EXPECT_DOUBLE_EQ(c.rows[0].of(Measure::time_to_accuracy)->mean, 2.5);
  EXPECT_DOUBLE_EQ(c.rows[0].of(Measure::bytes_to_accuracy)->mean, 25);
  EXPECT_DOUBLE_EQ(c.rows[1].of(Measure::time_to_accuracy)->mean, 1.5);
  EXPECT_EQ(c.rows[0].reached, 2u);
  const auto& difference = c.rows[1].against->differences[index(Measure::time_to_accuracy)];
  EXPECT_DOUBLE_EQ(difference->estimate.mean, -1);  // 1 − 2 and 2 − 3
  EXPECT_EQ(*difference->estimate.half_interval, 0);
  EXPECT_TRUE(difference->significant);
}

TEST(Compare, WhereASeedDoesNotGetThereIsNoMeanOfTheOthers) {
  const Comparison c = compared(trained(), {}, {.accuracy = 0.86, .baseline = {}});
  for (const Row& row : c.rows) {
    EXPECT_EQ(row.reached, 1u);
    EXPECT_FALSE(row.of(Measure::time_to_accuracy));
  }
  EXPECT_FALSE(c.rows[1].against->differences[index(Measure::time_to_accuracy)]);
  EXPECT_NE(to_text(c).find("1 of 2"), std::string::npos);
}

TEST(Compare, TheAccuracyIsTheScenariosOrTheHighestThatAllReach) {
  const Comparison highest = compared(trained());
  EXPECT_DOUBLE_EQ(highest.goal->accuracy, 0.81);
  EXPECT_EQ(highest.goal->why, "the highest that every run reaches; least: workers=2");
  const Comparison stop = compared(trained(), {.scenario = R"({"training": {"stop": {"accuracy": 0.84}}})"});
  EXPECT_DOUBLE_EQ(stop.goal->accuracy, 0.84);
  EXPECT_EQ(stop.goal->why, "where the scenario stops");
  std::vector<StoredRun> swept = trained();  // of an axis it is not the same for all
  for (StoredRun& run : swept)
    if (run.axes == workers(2)) run.scenario = R"({"training": {"stop": {"accuracy": 0.84}}})";
  const Comparison axis = compared(swept);
  EXPECT_DOUBLE_EQ(axis.goal->accuracy, 0.81);
  EXPECT_FALSE(compared(scaled()).goal);
}

bool beats(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  return a != b && a[0] <= b[0] && a[1] <= b[1] && a[2] <= b[2];
}

TEST(Compare, TheParetoFrontIsThatOfBruteForce) {
  std::mt19937_64 bits(3);
  for (int trial = 0; trial < 400; ++trial) {
    const std::uint64_t values = trial % 2 ? 6 : 1'000'000;  // many ties, and none
    std::vector<std::array<double, 3>> points(1 + bits() % 60);
    for (auto& point : points)
      for (double& each : point) {
        each = double(bits() % values);
        if (bits() % 20 == 0) each = INFINITY;
      }
    const std::vector<bool> front = pareto_front(points);
    for (std::size_t i = 0; i < points.size(); ++i)
      ASSERT_EQ(front[i],
                std::none_of(points.begin(), points.end(), [&](const auto& p) { return beats(p, points[i]); }))
          << "trial " << trial << ", point " << i;
  }
}

TEST(Compare, LabelsSayWhatDiffers) {
  const auto labels = [](const char* values) {
    const Json list = Json::parse(values);
    return short_labels(std::vector<Json>(list.begin(), list.end()));
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(labels(R"([1, 2.5, "5us", true])"), (Words{"1", "2.5", "5us", "true"}));
  EXPECT_EQ(labels(R"([{"kind": "bsp"}, {"kind": "ssp", "staleness": 2}])"), (Words{"bsp", "ssp"}));
  EXPECT_EQ(labels(R"([{"kind": "bsp"}, {"kind": "ssp", "staleness": 2}, {"kind": "ssp", "staleness": 8}])"),
            (Words{"bsp", "ssp staleness=2", "ssp staleness=8"}));
  EXPECT_EQ(
      labels(
          R"([[], [{"kind": "slow", "workers": "3", "factor": 2}], [{"kind": "slow", "workers": "3", "factor": 8}]])"),
      (Words{"none", "slow factor=2", "slow factor=8"}));
  EXPECT_EQ(labels(R"(["", "a"])"), (Words{"\"\"", "a"}));
  EXPECT_EQ(labels(R"([{"steps": 5}, {"steps": 9}, {"steps": 5}])"), (Words{"steps=5", "steps=9", "steps=5"}));
}

// The same runs by their folders: named by the keys that differ, and the same figures.
TEST(Compare, FoldersOfRunsAreGroupedByTheirScenarios) {
  const std::string root = scratch_folder();
  std::vector<std::string> folders;
  std::vector<Results> results;
  for (const char* strategy : {R"({"kind": "bsp"})", R"({"kind": "ssp", "staleness": 2})"})
    for (const int seed : {2, 1}) {
      const std::string folder = root + "/" + std::to_string(folders.size());
      const std::string kind = std::string("training.strategy=") + strategy, number = fmt::format("seed={}", seed);
      const std::string name = "name=run-" + std::to_string(folders.size());
      const Finished made =
          paceline({"run", path_of("tests/data/scenarios/timing.json"), "--quiet", "--out", folder, "--set", kind,
                    "--set", number, "--set", name, "--set", R"(cluster.jitter={"kind": "exponential"})"});
      ASSERT_EQ(made.code, 0) << made.err;
      folders.push_back(folder);
      results.push_back(
          run("tests/data/scenarios/timing.json", {kind, number, R"(cluster.jitter={"kind": "exponential"})"}).results);
    }
  const Comparison c = comparison_of(read_runs(folders), {});
  ASSERT_EQ(c.rows.size(), 2u);
  EXPECT_EQ(c.rows[0].name, "strategy=bsp");
  EXPECT_EQ(c.rows[1].name, "strategy=ssp");
  EXPECT_EQ(c.axes, std::vector<std::string>{"training.strategy"});
  EXPECT_EQ(c.rows[0].configuration->workers, int(results[0].workers.size()));
  const auto time = [&](std::size_t i) { return results[i].simulated_time_s; };
  EXPECT_DOUBLE_EQ(c.rows[0].of(Measure::simulated_time)->mean, (time(0) + time(1)) / 2);
  EXPECT_NEAR(c.rows[1].against->differences[index(Measure::simulated_time)]->estimate.mean,
              (time(2) + time(3) - time(0) - time(1)) / 2, 1e-12);
  folders.push_back(folders[0] + "/results.json");
  const Comparison twice = comparison_of(read_runs(folders), {});
  EXPECT_EQ(twice.notes, std::vector<std::string>{"a run given twice is counted once"});
  EXPECT_EQ(twice.rows[0].configuration->samples.size(), 2u);
}

TEST(Compare, TwoStoresOfTheSameRunsAreHeldApart) {
  std::vector<StoredRun> slower = scaled();
  slower.insert(slower.begin(), {.axes = workers(8)});  // so that the others' hashes and fingerprints move
  const std::string first = make_store(scaled()), second = make_store(slower);
  const Comparison c = comparison_of(read_runs({first, second}), {});
  EXPECT_EQ(c.rows.size(), 7u);
  EXPECT_EQ(c.axes[0], "from");
  EXPECT_EQ(comparison_of(read_runs({first, first}), {}).rows.size(), 3u);
}

}  // namespace
}  // namespace paceline::test
