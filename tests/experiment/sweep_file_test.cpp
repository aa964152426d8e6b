// Sweep files: axes, conditions, seeds, and the runs that come of them.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "sim/experiment/sweep/export.hpp"
#include "sim/experiment/sweep/plan.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::ordered_json;

std::vector<Json> values(const std::string& axis, std::uint64_t seed = 1) {
  std::vector<Json> made;
  for (const Node& each : read_axis("a.b", parse_document(axis, "axis.json"), seed).values)
    made.push_back(Json::parse(each.dump()));
  return made;
}

std::string sweep_text(const std::string& rest) {
  return fmt::format(R"({{"scenario": "{}", {}}})", path_of("tests/data/scenarios/timing.json"), rest);
}
Sweep sweep(const std::string& rest, const std::vector<std::string>& set = {}) {
  return read_sweep(parse_document(sweep_text(rest), "sweep.json"), "test", set);
}
SweepPlan plan(const std::string& rest, const Shard& shard = {}) { return make_plan(sweep(rest), shard); }

std::string error_of(const std::string& rest, const std::vector<std::string>& set = {}) {
  try {
    make_plan(sweep(rest, set));
  } catch (const ConfigError& error) { return error.what(); }
  return "";
}

TEST(SweepAxis, RangesHaveTheirEnds) {
  EXPECT_EQ(values(R"({"from": 1, "to": 1024, "factor": 4})"), (std::vector<Json>{1, 4, 16, 64, 256, 1024}));
  EXPECT_EQ(values(R"({"from": 1, "to": 1000, "factor": 4})").size(), 5u);
  EXPECT_EQ(values(R"({"from": 2, "to": 11, "step": 3})"), (std::vector<Json>{2, 5, 8, 11}));
  EXPECT_EQ(values(R"({"from": 0.1, "to": 0.3, "step": 0.1})"), (std::vector<Json>{0.1, 0.2, 0.3}));
  EXPECT_EQ(values(R"({"from": "1Gbps", "to": "100Gbps", "factor": 10})"),
            (std::vector<Json>{"1Gbps", "10Gbps", "100Gbps"}));
  EXPECT_EQ(values(R"({"from": 3, "to": 3, "factor": 2})"), (std::vector<Json>{3}));
  EXPECT_TRUE(values(R"({"from": 1, "to": 8, "factor": 2})")[3].is_number_integer());
}

// The mean of uniform draws is within 4 standard errors, (b − a) / √(12 n); of logarithms likewise.
TEST(SweepAxis, RandomDrawsAreUniformAndTheSeedsAlone) {
  const std::string axis = R"({"random": 2000, "from": 2, "to": 4.0, "log": false})";
  double sum = 0;
  for (const Json& each : values(R"({"random": 2000, "from": 2.5, "to": 4.5})")) sum += each.get<double>();
  EXPECT_NEAR(sum / 2000, 3.5, 4 * 2 / std::sqrt(12.0 * 2000));
  double logs = 0;
  for (const Json& each : values(R"({"random": 2000, "from": 0.001, "to": 0.1, "log": true})"))
    logs += std::log10(each.get<double>());
  EXPECT_NEAR(logs / 2000, -2, 4 * 2 / std::sqrt(12.0 * 2000));
  EXPECT_EQ(values(axis), values(axis));
  EXPECT_NE(values(axis), values(axis, 2));
  std::set<int> seen;
  for (const Json& each : values(R"({"random": 200, "from": 1, "to": 4})")) seen.insert(each.get<int>());
  EXPECT_EQ(seen, (std::set<int>{1, 2, 3, 4}));
}

TEST(SweepAxis, LatinDrawsHaveOneInEachPart) {
  std::set<int> parts;
  std::vector<double> drawn;
  for (const Json& each : values(R"({"latin": 50, "from": 0, "to": 1, "real": true})")) {
    drawn.push_back(each.get<double>());
    parts.insert(int(drawn.back() * 50));
  }
  EXPECT_EQ(parts.size(), 50u);
  EXPECT_FALSE(std::is_sorted(drawn.begin(), drawn.end()));
}

TEST(SweepCondition, SaysWhatItSays) {
  const Node scenario =
      parse_document(R"({"a": 3, "b": {"c": [1, 2.5]}, "t": "ssp", "w": "10Gbps", "yes": true})", "s.json");
  const auto holds = [&](const std::string& text) { return Expression(Node::of_text(text), "/where").holds(scenario); };
  for (const char* right : {"a == 3",
                            "a >= 2 + 1",
                            "2 + 2 * 2 == 6",
                            "(2 + 2) * 2 == 8",
                            "10 - 3 - 2 == 5",
                            "7 % 4 == 3",
                            "-a == 0 - 3",
                            "b.c.1 > b.c.0",
                            "t == 'ssp'",
                            "t != 'bsp' and not a < 3",
                            "a < 1 or a > 2",
                            "w >= '1Gbps'",
                            "w < '100Gbps'",
                            "yes",
                            "not (yes and a == 4)",
                            "missing == null",
                            "missing > 4",
                            "t == 'bsp' or missing > 4",
                            "a != null",
                            "t != 3",
                            "a == 3 or a == 4 and a == 5"})
    EXPECT_TRUE(holds(right)) << right;
  for (const char* wrong : {"a == 4", "missing != null", "missing > 4 and a == 4", "w > '1TBps'", "not yes",
                            "t == 'ss'", "a == 3 and not (missing == null)"})
    EXPECT_FALSE(holds(wrong)) << wrong;
  for (const char* bad : {"", "a ==", "(a == 3", "a == 3)", "a + t == 3", "a", "t < 3", "'ssp", "a and yes",
                          "a / 0 == 1", "b == 3", "a = 3", "a == 3 a == 3"})
    EXPECT_THROW(holds(bad), ConfigError) << bad;
}

TEST(Sweep, GridAndZip) {
  const std::string axes = R"("axes": {"cluster.workers": [1, 2, 4], "workload.batch_size": [8, 16, 32]})";
  EXPECT_EQ(plan(axes + R"(, "seeds": 2)").runs.size(), 18u);
  const SweepPlan zip = plan(axes + R"(, "combine": "zip", "seeds": [5, 7])");
  ASSERT_EQ(zip.runs.size(), 6u);
  EXPECT_EQ(zip.runs[3].axes, R"({"cluster.workers":2,"workload.batch_size":16})");
  EXPECT_EQ(zip.runs[3].seed, 7u);
  EXPECT_EQ(zip.runs[3].position, 3u);
  EXPECT_EQ(
      plan(axes + R"(, "where": ["cluster.workers > 1", "workload.batch_size * cluster.workers <= 64"])").runs.size(),
      5u);
  EXPECT_EQ(plan(R"("axes": {"cluster.workers": [1, 2, 1]})").same, 1u);
  EXPECT_EQ(plan(R"("seeds": 3)").runs.size(), 3u);
}

TEST(Sweep, AxesOfADevicesNameAndItsKeysMeet) {
  const SweepPlan by_name =
      plan(R"("axes": {"cluster.device": ["v100", "p100"], "cluster.device.efficiency": [0.3, 0.5]})");
  const SweepPlan whole = plan(R"("axes": {"cluster.device": [
      {"name": "v100", "efficiency": 0.3}, {"name": "v100", "efficiency": 0.5},
      {"name": "p100", "efficiency": 0.3}, {"name": "p100", "efficiency": 0.5}]})");
  ASSERT_EQ(by_name.runs.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(by_name.runs[i].hash, whole.runs.at(i).hash);
}

TEST(Sweep, ShardsShareOutAllRuns) {
  const std::string axes = R"("axes": {"cluster.workers": {"from": 1, "to": 40, "step": 1}})";
  std::set<std::string> seen;
  std::size_t sum = 0;
  for (std::uint64_t i = 0; i < 3; ++i)
    for (const PlannedRun& run : plan(axes, {i, 3}).runs) seen.insert(run.hash), ++sum;
  EXPECT_EQ(sum, 40u);
  EXPECT_EQ(seen.size(), 40u);
}

// The hash is that of what is run, not of how it is written.
TEST(Sweep, HashesNameTheResolvedScenario) {
  const auto one = [](const std::string& rest) { return plan(rest).runs.at(0).hash; };
  const std::string two = one(R"("axes": {"cluster.workers": [2]})");
  EXPECT_EQ(two, one(R"("axes": {"cluster.workers": [2]}, "name": "other", "seeds": [1])"));
  EXPECT_EQ(two, one(R"("axes": {"cluster": [{"workers": 2, "topology": {"kind": "ideal"}}]})"));
  EXPECT_NE(two, one(R"("axes": {"cluster.workers": [2]}, "seeds": [2])"));
  EXPECT_NE(two, one(R"("axes": {"cluster.workers": [3]})"));
}

TEST(Sweep, WrongCombinationsAreFailedRunsUnlessAllAre) {
  const SweepPlan made = plan(R"("axes": {"cluster.workers": [2, 0]})");
  EXPECT_EQ(made.runs[0].error, "");
  EXPECT_NE(made.runs[1].error.find("/cluster/workers"), std::string::npos);
  EXPECT_NE(error_of(R"("axes": {"cluster.workers": [-1, 0]})").find("sweep.json:1:"), std::string::npos);
}

TEST(Sweep, ErrorsNameThePlaceAndTheRule) {
  const auto expect = [](const std::string& rest, const std::string& part, const std::vector<std::string>& set = {}) {
    EXPECT_NE(error_of(rest, set).find(part), std::string::npos) << rest << "\n" << error_of(rest, set);
  };
  expect(R"("axis": {})", R"(/axis: unknown key "axis"; did you mean "axes"?)");
  expect(R"("axes": {"cluster.workers": 3})", "/axes/cluster.workers: must be a list of values, or a range, not 3");
  expect(R"("axes": {"cluster.workers": []})", "has no values");
  expect(R"("axes": {"a": {"from": 1, "to": 2}})", R"("factor", "step")");
  expect(R"("axes": {"a": {"from": 1, "to": 2, "setp": 1}})", R"(did you mean "step"?)");
  expect(R"("axes": {"a": {"from": 2, "to": 1, "step": 1}})", R"(/axes/a/to: must not be less than "from")");
  expect(R"("axes": {"a": {"from": "1Gbps", "to": "2GBps", "step": "1Gbps"}})", R"(the unit of "from", "Gbps")");
  expect(R"("axes": {"a": {"from": 1, "to": 2, "factor": 1}})", "must be above 1");
  expect(R"("axes": {"a": {"random": 0, "from": 1, "to": 2}})", "/axes/a/random");
  expect(R"("axes": {"a": {"latin": 3, "from": 0, "to": 2, "log": true}})", "must be above 0");
  expect(R"("axes": {"a": [1, 2], "b": [1]}, "combine": "zip")", R"(has 1 values and "a" has 2)");
  expect(R"("axes": {"a": [1]}, "combine": "both")", "/combine");
  expect(R"("axes": {"seed": [1]})", R"("seeds")");
  expect(R"("axes": {"training.strategy.kind": ["bsp"], "training.strategy": [{"kind": "bsp"}]})",
         "overwrites the axis");
  expect(R"("seeds": [1, 1])", "1 is there twice");
  expect(R"("seeds": 0)", "/seeds");
  expect(R"("axes": {"cluster.workers": [1]}, "baseline": {"cluster.worker": 1})",
         R"(did you mean "cluster.workers"?)");
  expect(R"("axes": {"cluster.workers": [1]}, "baseline": {"cluster.workers": 2})", "none of the axis' values");
  expect(R"("axes": {"cluster.workers": [1]}, "where": "cluster.worker > 0")", R"(did you mean "cluster.workers"?)");
  expect(R"("axes": {"cluster.workers": [1]}, "where": "cluster.workers > 1")", "no run is left");
  expect(R"("axes": {"cluster.workers": [1]}, "where": "cluster.workers >")", "ends too early");
  expect(R"("axes": {"cluster.workers": [1]})", "is an axis of the sweep", {"cluster.workers=3"});
  expect(R"("axes": {"cluster.workres": [1]})", R"(did you mean "workers"?)");
}

TEST(Sweep, WhatAnOutcomeSaysGoesThroughJson) {
  const Results results = run("tests/data/scenarios/blobs.json").results;
  const Outcome made = outcome_of("0123456789abcdef", results);
  const Json json = to_json(made);
  EXPECT_EQ(json, to_json(outcome_from(Json::parse(json.dump()))));
  EXPECT_EQ(made.summary["final_test_accuracy"], *results.curve.back().test_accuracy);
  EXPECT_EQ(made.summary["staleness_mean"], results.staleness.mean);
  EXPECT_EQ(made.curve.size(), results.curve.size());
  EXPECT_EQ(made.workers.size(), results.workers.size());
  EXPECT_EQ(made.workers[0].size(), workers_columns().size());
  EXPECT_EQ(made.curve[0].size(), curve_columns().size());
}

TEST(Sweep, NamesAndValuesInTablesAreShort) {
  EXPECT_EQ(short_names({"cluster.workers", "training.a.factor", "b.factor"}),
            (std::vector<std::string>{"workers", "training.a.factor", "b.factor"}));
  EXPECT_EQ(short_value(Json::parse(R"({"kind": "ssp", "staleness": 2})")), "ssp (staleness 2)");
  EXPECT_EQ(short_value("10Gbps"), "10Gbps");
}

}  // namespace
}  // namespace paceline::test
