// Scenarios that are right: what they extend, files they name, --set; what the resolved scenario and its hash hold. And
// scenarios damaged at random: each is read, or rejected as a ConfigError, and nothing else.
#include "sim/experiment/parse.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "sim/core/random.hpp"
#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

const std::string& right() {
  static const std::string text = read_text(path_of("tests/data/wrong/scenario.json"));
  return text;
}
std::string replaced(std::string text, const std::string& old, const std::string& by) {
  const auto at = text.find(old);
  if (at == text.npos) throw std::runtime_error("not there: " + old);
  return text.replace(at, old.size(), by);
}
// A file of its own folder, with further files next to it.
Spec parse_file(const std::string& text, const std::map<std::string, std::string>& others = {},
                const std::vector<std::string>& assignments = {}) {
  const std::string folder = scratch_folder();
  for (const auto& [name, content] : others) write_text(folder + "/" + name, content);
  write_text(folder + "/scenario.json", text);
  return parse_scenario(folder + "/scenario.json", assignments);
}

const std::string star = R"({"kind": "star", "bandwidth": "1Gbps", "latency": "10us"})";
const std::string fixed_cost =
    R"({"kind": "fixed", "forward": "10ms", "backward": "20ms", "update": "0s", "gradient": "1MB"})";

// Whom the first straggler slows down.
std::vector<int> slowed(const Spec& spec) {
  Engine engine;
  std::vector<int> who;
  const auto slow = [&](int worker, double) { who.push_back(worker); };
  engine.spawn("straggler", spec.cluster.stragglers[0].run({engine, spec.cluster.workers, StragglerDraws(1, 0), slow}));
  engine.run();
  return who;
}

// Lists that are in files of their own take the paths' places, so that the resolved scenario runs anywhere.
TEST(Parse, TakesListsFromFiles) {
  const std::string text = replaced(
      replaced(right(), R"({"kind": "lognormal", "sigma": 0.1})", R"({"kind": "empirical", "file": "steps.json"})"),
      R"({"kind": "slow", "workers": "3", "factor": 2})", R"({"kind": "replay", "events": "slow.json"})");
  const Spec spec =
      parse_file(text, {{"steps.json", "[2, 1, 3]"}, {"slow.json", R"([{"time": "0s", "worker": 2, "factor": 3}])"}});
  EXPECT_EQ(spec.cluster.jitter(0.1), 0.5);
  EXPECT_EQ(spec.cluster.jitter(0.9), 1.5);
  EXPECT_EQ(slowed(spec), (std::vector{2}));
  const Spec again = parse_file(spec.resolved);
  EXPECT_EQ(again.hash, spec.hash);
  EXPECT_EQ(again.resolved, spec.resolved);
}

TEST(Parse, TakesWhatTheScenarioSays) {
  const Spec spec = parse_file(right());
  EXPECT_EQ(spec.name, "right");
  EXPECT_EQ(spec.seed, 1u);
  EXPECT_TRUE(spec.numerics);
  EXPECT_EQ(spec.cluster.workers, 4);
  EXPECT_EQ(spec.batch_sizes, std::vector<int>(4, 5));
  EXPECT_EQ(spec.stop.steps, 4);
  EXPECT_TRUE(spec.write_steps);
  ASSERT_EQ(spec.cluster.stragglers.size(), 1u);
  EXPECT_EQ(slowed(spec), (std::vector{3}));
}

TEST(Parse, TheFilesNameIsTheRunsNameUnlessThereIsOne) {
  EXPECT_EQ(parse_file(replaced(right(), "\"name\": \"right\",", "")).name, "scenario");
  EXPECT_EQ(parse_file(right(), {}, {"name=another"}).name, "another");
}

TEST(Parse, IntegersMayBeWrittenAsNumbersWithoutAFraction) {
  const Spec spec = parse_file(
      replaced(replaced(right(), "\"workers\": 4", "\"workers\": 4.0"), "\"batch_size\": 5", "\"batch_size\": 5e0"));
  EXPECT_EQ(spec.cluster.workers, 4);
  EXPECT_EQ(spec.batch_sizes, std::vector<int>(4, 5));
  EXPECT_EQ(spec.hash, parse_file(right()).hash);
}

TEST(Parse, DefaultsThatLookLikeMistakesAreNoted) {
  EXPECT_TRUE(parse_file(right()).notes.empty());
  const Spec spec = parse_file(replaced(right(), "\"update\": \"0s\", ", ""));
  ASSERT_EQ(spec.notes.size(), 1u);
  EXPECT_EQ(spec.notes[0], "/workload/cost/update not given: updates take no time");
}

TEST(Hash, IgnoresTheOrderOfKeysCommentsAndLayout) {
  const std::string other =
      replaced(replaced(right(), R"("workers": 4,)", ""), R"("jitter")", "// moved\n\"workers\":4, \"jitter\"");
  EXPECT_EQ(parse_file(other).hash, parse_file(right()).hash);
  EXPECT_EQ(parse_file(right()).hash.size(), 64u);
}

TEST(Hash, IgnoresWhatOnlyLabelsARun) {
  EXPECT_EQ(parse_file(right(), {}, {"name=other", "description=other", "$schema=other"}).hash,
            parse_file(right()).hash);
}

TEST(Hash, ChangesWithEveryValue) {
  std::set<std::string> hashes{parse_file(right()).hash};
  for (const char* set : {"seed=2", "cluster.workers=5", "cluster.topology.latency=11us",
                          "cluster.stragglers.0.factor=2.5", "workload.batch_size=6", "workload.model.hidden=[9]",
                          "training.strategy.staleness=3", "training.stop.steps=5", "numerics=false"})
    EXPECT_TRUE(hashes.insert(parse_file(right(), {}, {set}).hash).second) << set;
}

TEST(Hash, TakesNamedFilesByTheirContentAndNotByTheirPath) {
  const Spec inside = parse_file(right());
  const auto by_path = [&](const std::string& path) {
    return parse_file(replaced(right(), star, "\"" + path + "\""), {{path, "// a star\n" + star}});
  };
  EXPECT_EQ(by_path("star.json").hash, inside.hash);
  EXPECT_EQ(by_path("topologies/another.json").hash, inside.hash);
  const Spec other =
      parse_file(replaced(right(), star, "\"star.json\""), {{"star.json", replaced(star, "10us", "20us")}});
  EXPECT_NE(other.hash, inside.hash);
}

TEST(Parse, AReplayByPathIsTheReplayInside) {
  const std::string table = R"({"unit": "ms", "durations": [[1, 2, 3, 4], [5, 6, 7, 8]]})";
  const std::string replay = R"({"kind": "replay", "repeat": true, "update": "0s", "file": )";
  const Spec inside = parse_file(replaced(right(), fixed_cost, replay + table + "}"));
  const Spec by_path =
      parse_file(replaced(right(), fixed_cost, replay + "\"data/steps.json\"}"), {{"data/steps.json", table}});
  EXPECT_EQ(by_path.hash, inside.hash);
  EXPECT_EQ(by_path.resolved, inside.resolved);
  const auto cost =
      by_path.cost.make({.workers = 4, .batch_size = 5, .model_bytes = 8, .layers = {}, .tensors = {}, .devices = {}});
  EXPECT_DOUBLE_EQ(cost->step(1, 3, 5).forward + cost->step(1, 3, 5).backward, 0.006);  // row 3 mod 2, column 1
}

TEST(Parse, WhatAScenarioExtendsMayBeIncompleteAndNamesFilesRelativeToItself) {
  const std::string folder = scratch_folder();
  write_text(folder + "/common/topologies/star.json", star);
  write_text(folder + "/common/base.json", replaced(replaced(right(), star, "\"topologies/star.json\""),
                                                    R"("strategy": {"kind": "ssp", "staleness": 2},)", ""));
  write_text(folder + "/own.json",
             R"({"extends": "common/base.json", "training": {"strategy": {"kind": "ssp", "staleness": 2}}})");
  EXPECT_EQ(parse_scenario(folder + "/own.json").hash, parse_file(right()).hash);
}

TEST(Parse, ASetWinsOverTheFileAndTheLastSetOverAll) {
  const Spec spec = parse_file(right(), {},
                               {"cluster.workers=6", "cluster.workers=7", "cluster.stragglers.0.workers=0-2",
                                "training.strategy={\"kind\": \"async\"}"});
  EXPECT_EQ(spec.cluster.workers, 7);
  EXPECT_EQ(slowed(spec), (std::vector{0, 1, 2}));
  EXPECT_NE(spec.resolved.find("\"async\""), std::string::npos);
  EXPECT_EQ(parse_file(right(), {}, {"output.steps=false"}).write_steps, false);
}

TEST(Resolved, RunsAgainAsTheSameScenario) {
  const std::string extending =
      R"({"extends": "base.json", "cluster": {"topology": "star.json"}, "training": {"stop": {"steps": 3}}})";
  const Spec spec = parse_file(extending, {{"base.json", right()}, {"star.json", star}}, {"seed=9"});
  const Spec again = parse_file(spec.resolved);
  EXPECT_EQ(again.hash, spec.hash);
  EXPECT_EQ(again.resolved, spec.resolved);
  EXPECT_EQ(again.name, spec.name);
  EXPECT_EQ(spec.resolved.find("extends"), std::string::npos);
}

TEST(Resolved, KeepsTheNameOfTheFileThatItCameFrom) {
  const std::string folder = scratch_folder();
  write_text(folder + "/experiment-7.json", replaced(right(), "\"name\": \"right\",", ""));
  const Spec spec = parse_scenario(folder + "/experiment-7.json");
  EXPECT_EQ(parse_file(spec.resolved).name, "experiment-7");
}

// Damage.

class Damage {
 public:
  explicit Damage(std::uint64_t number) : draws_(2024, "damage", number) {}

  std::string to(std::string text) {
    for (std::uint64_t left = 1 + below(3); left > 0 && !text.empty(); --left) once(text);
    return text;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return draws_.below(bound, next_++); }

  void once(std::string& text) {
    const std::size_t at = below(text.size());
    switch (below(8)) {
      case 0:
        text[at] = char(text[at] ^ char(1 << below(8)));
        return;
      case 1:
        text.erase(at, 1 + below(20));
        return;
      case 2:
        std::swap(text[at], text[below(text.size())]);
        return;
      case 3:
        text.insert(at, text.substr(below(text.size()), below(40)));
        return;
      default:
        replace_value(text, at);
    }
  }
  // A text or a number by another value, right or wrong.
  void replace_value(std::string& text, std::size_t from) {
    static const std::vector<std::string> others{"2",
                                                 "3.0",
                                                 "0.25",
                                                 "\"1s\"",
                                                 "\"2MB\"",
                                                 "\"10Gbps\"",
                                                 "\"1,2\"",
                                                 "[2, 3]",
                                                 "0",
                                                 "-1",
                                                 "1e999",
                                                 "-1e308",
                                                 "1e18",
                                                 "9223372036854775808",
                                                 "0.5",
                                                 "null",
                                                 "true",
                                                 "[]",
                                                 "{}",
                                                 "\"\"",
                                                 "\"x\"",
                                                 "[[]]",
                                                 "NaN",
                                                 "\"\\u0000\"",
                                                 "\"-\"",
                                                 "\".\"",
                                                 "\"1e308GBps\"",
                                                 "\"-5s\"",
                                                 "\"0-\"",
                                                 "[-1,9]",
                                                 "\"\xff\"",
                                                 "{\"kind\": \"star\"}",
                                                 "{\"kind\": 1}",
                                                 "\"/\"",
                                                 "\"1e-320s\"",
                                                 "{\"\": {}}",
                                                 "/*",
                                                 "//"};
    const auto colon = text.find(": ", from);
    const auto begin = colon == text.npos ? colon : text.find_first_of("\"0123456789", colon);
    if (begin != colon + 2) return;
    auto end = text[begin] == '"' ? text.find('"', begin + 1) : text.find_first_not_of("0123456789.", begin) - 1;
    if (end >= text.size()) end = text.size() - 1;
    text.replace(begin, end - begin + 1, others[below(others.size())]);
  }

  Stream draws_;
  std::uint64_t next_ = 0;
};

TEST(Damage, EitherParsesOrIsRejectedAsAConfigErrorAndNothingElse) {
  const std::vector<std::string> starts{
      right(),
      replaced(
          right(), star,
          R"({"kind": "graph", "nodes": ["a", "b", "c", "d", "e"], "links": [{"from": "a", "to": "b", "bandwidth": "1Gbps", "latency": "1us"}]})"),
      replaced(right(), fixed_cost, R"({"kind": "replay", "file": {"unit": "s", "durations": [[1, 2, 3, 4]]}})")};
  int parsed = 0, rejected = 0;
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    const std::string text = Damage(i).to(starts[i % starts.size()]);
    try {
      parse_scenario(parse_document(text, "damaged.json"), "damaged");
      ++parsed;
    } catch (const ConfigError& error) {
      ++rejected;
      ASSERT_TRUE(std::string_view(error.what()).starts_with("damaged.json")) << error.what() << "\n" << text;
      ASSERT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
    } catch (const std::exception& error) { FAIL() << error.what() << "\n" << text; }
  }
  EXPECT_GT(parsed, 100);  // such as a changed name
  EXPECT_GT(rejected, 1'000);
}

TEST(Damage, ASetIsAppliedOrRejectedAsAConfigErrorAndNothingElse) {
  const std::vector<std::string> starts{"cluster.workers=8", "cluster.stragglers.0.factor=3.5",
                                        "training.strategy={\"kind\": \"ssp\", \"staleness\": 1}"};
  int rejected = 0;
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    const std::string set = Damage(1'000'000 + i).to(starts[i % starts.size()]);
    try {
      parse_scenario(parse_document(right(), "right.json"), "right", {set});
    } catch (const ConfigError&) { ++rejected; } catch (const std::exception& error) {
      FAIL() << error.what() << "\n" << set;
    }
  }
  EXPECT_GT(rejected, 500);
}

}  // namespace
}  // namespace paceline::test
