// paceline compare from outside: its tables, its JSON and CSV, and what it says of what it cannot read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/process.hpp"
#include "tests/support/run.hpp"
#include "tests/support/sweep_store.hpp"

namespace paceline::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::vector<StoredRun> some_runs() {
  std::vector<StoredRun> runs;
  for (const char* strategy : {"bsp", "async"})
    for (const int workers : {1, 4})
      for (int seed = 1; seed <= 4; ++seed)
        runs.push_back(
            {.axes = fmt::format(R"({{"cluster.workers":{},"training.strategy":{{"kind":"{}"}}}})", workers, strategy),
             .seed = seed,
             .workers = workers,
             .simulated_time_s = 12.5 / workers + 0.01 * seed * seed,
             .throughput_samples_per_s = 1000.0 * workers - 10 * seed,
             .bytes_on_wire = 2e8 * workers,
             .curve = {{1.0 / workers, 0.6, 1e8}, {9.0 / workers + 0.1 * seed, 0.84 + 0.001 * seed, 2e8}}});
  return runs;
}

Finished compare_verb(std::vector<std::string> words) {
  words.insert(words.begin(), "compare");
  return paceline(words);
}

std::size_t width_of(const std::string& line) {
  return std::size_t(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

TEST(CompareVerb, PrintsTablesThatFit) {
  const std::string store = make_store(some_runs(), {.baseline = R"({"cluster.workers": 1})"});
  const Finished made = compare_verb({store});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(made.err, "");
  EXPECT_THAT(made.out, HasSubstr("16 runs of 4 configurations; means over n seeds"));
  EXPECT_THAT(made.out, HasSubstr("the highest that every run reaches"));
  EXPECT_THAT(made.out, HasSubstr("against cluster.workers=1, on common seeds"));
  std::istringstream lines(made.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(width_of(line), 120u) << line;
  EXPECT_EQ(compare_verb({std::filesystem::path(store).parent_path().string()}).out, made.out);  // the folder
}

TEST(CompareVerb, JsonIsOneDocumentWithTheSameFigures) {
  const std::string store = make_store(some_runs(), {.baseline = R"({"cluster.workers": 1})"});
  const Finished made = compare_verb({store, "--json", "--accuracy", "0.6"});
  ASSERT_EQ(made.code, 0) << made.err;
  const json document = json::parse(made.out);
  EXPECT_EQ(document["runs"], 16);
  EXPECT_EQ(document["accuracy"]["value"], 0.6);
  const json& four = document["configurations"][1];
  EXPECT_EQ(four["axes"]["cluster.workers"], 4);
  EXPECT_EQ(four["seeds"], (json{1, 2, 3, 4}));
  EXPECT_EQ(four["ended_by"]["steps"], 4);
  EXPECT_EQ(four["measures"]["time_to_accuracy_s"]["mean"], 0.25);
  EXPECT_EQ(four["measures"]["final_test_loss"], nullptr);
  const json& against = four["against_baseline"];
  EXPECT_EQ(against["baseline"], "workers=1, strategy=bsp");
  EXPECT_EQ(against["common_seeds"], 4);
  EXPECT_NEAR(against["efficiency"]["ratio"].get<double>(), against["speed_up"]["ratio"].get<double>() / 4, 1e-12);
  const json& difference = against["differences"]["simulated_time_s"];
  EXPECT_NEAR(difference["mean"].get<double>(), 12.5 / 4 - 12.5, 1e-12);
  EXPECT_TRUE(difference["significant"]);
  EXPECT_EQ(document["configurations"][0]["against_baseline"], nullptr);
}

TEST(CompareVerb, CsvHasARowPerConfigurationAndEveryCellItsColumn) {
  const Finished made = compare_verb({make_store(some_runs()), "--csv", "--baseline", "training.strategy.kind=async"});
  ASSERT_EQ(made.code, 0) << made.err;
  std::istringstream lines(made.out);
  std::string header, line;
  std::getline(lines, header);
  EXPECT_THAT(header, testing::StartsWith("scenario,cluster.workers,training.strategy,workers,n,reached_accuracy,"));
  const auto cells = [](const std::string& text) {
    std::size_t count = 1;
    bool quoted = false;
    for (const char letter : text) {
      if (letter == '"') quoted = !quoted;
      count += letter == ',' && !quoted;
    }
    return count;
  };
  int rows = 0;
  for (; std::getline(lines, line); ++rows) EXPECT_EQ(cells(line), cells(header)) << line;
  EXPECT_EQ(rows, 4);
  EXPECT_THAT(made.out, HasSubstr(R"(made,1,"{""kind"":""bsp""}",1,4,4,)"));
}

TEST(CompareVerb, RunsThatAreNotFinishedAreNoted) {
  std::vector<StoredRun> runs = some_runs();
  runs.push_back({.axes = R"({"cluster.workers":9})", .state = "failed", .error = "too many workers"});
  runs.push_back({.axes = R"({"cluster.workers":9})", .seed = 2, .state = "waiting"});
  runs[0].failed_check = "link capacity";
  runs[1].reason = "deadlock";
  const Finished made = compare_verb({make_store(runs)});
  EXPECT_EQ(made.code, 0);
  EXPECT_THAT(made.err, HasSubstr("1 run is left out: failed (too many workers)"));
  EXPECT_THAT(made.err, HasSubstr("1 run is not finished: waiting"));
  EXPECT_THAT(made.err, HasSubstr("1 run broke a self-check"));
  EXPECT_THAT(made.err, HasSubstr("1 run did not reach the end"));
  EXPECT_THAT(made.err, HasSubstr("configurations have 3 to 4 seeds"));
  EXPECT_THAT(made.out, HasSubstr("15 runs of 4 configurations"));
}

TEST(CompareVerb, AFolderWhoseRunDidNotEndIsNoted) {
  const std::string root = scratch_folder();
  const std::string timing = path_of("tests/data/scenarios/timing.json");
  ASSERT_EQ(paceline({"run", timing, "--quiet", "--out", root + "/whole"}).code, 0);
  ASSERT_EQ(paceline({"run", timing, "--quiet", "--out", root + "/cut", "--max-events", "10"}).code, 5);
  const Finished made = compare_verb({root + "/whole", root + "/cut"});
  EXPECT_EQ(made.code, 0);
  EXPECT_THAT(made.err, HasSubstr(root + "/cut is left out: it did not reach its end (limit)"));
  const Finished alone = compare_verb({root + "/cut"});
  EXPECT_EQ(alone.code, 3);
  EXPECT_THAT(alone.err, HasSubstr("no finished run"));
}

TEST(CompareVerb, WhatCannotBeReadIsAClearError) {
  const std::string root = scratch_folder(), store = make_store(some_runs());
  const auto says = [](const std::vector<std::string>& words, const std::string& text) {
    const Finished made = compare_verb(words);
    EXPECT_EQ(made.code, 3) << words[0];
    EXPECT_THAT(made.err, HasSubstr(text));
    EXPECT_EQ(made.out, "");
  };
  std::filesystem::create_directories(root + "/empty");
  says({root + "/emty"}, "/emty: no such run or sweep; did you mean \"" + root + "/empty\"?");
  says({root + "/empty"}, "neither the folder of a run (there is no results.json) nor of a sweep (no sweep.sqlite)");
  write_text(root + "/notes.txt", "hello");
  says({root + "/notes.txt"}, "notes.txt: not the store of a sweep");
  write_text(root + "/a.sqlite", "hello");
  says({root + "/a.sqlite"}, "a.sqlite: not an SQLite file, or a damaged one");
  write_text(root + "/run/results.json", "{\"schema_version\": 1");
  says({root + "/run"}, "results.json: not a JSON document");
  write_text(root + "/run/results.json", "{\"schema_version\": 1}");
  says({root + "/run"}, "results.json: not the results of a run");
  write_text(root + "/run/results.json", "{\"schema_version\": 2}");
  says({root + "/run"}, "results.json: written by a newer version of paceline");
  says({make_store(some_runs(), {.version = 2})}, "a store of version 2, written by a newer paceline");
  says({make_store({{.state = "waiting"}})}, "no finished run: ");
  const std::string begun = make_store({{.state = "waiting"}});  // its summary has no columns yet
  execute_sql(begun,
              "DROP TABLE summary; CREATE TABLE summary(hash TEXT PRIMARY KEY, reason TEXT, fingerprint TEXT, "
              "failed_check TEXT);");
  says({begun}, "no finished run: ");
  execute_sql(root + "/other.sqlite", "CREATE TABLE a(b);");
  says({root + "/other.sqlite"}, "other.sqlite: not the store of a sweep");
  std::string bytes = read_text(store);
  for (std::size_t i = 4096; i < bytes.size(); ++i) bytes[i] = char(i * 31);
  write_text(root + "/damaged.sqlite", bytes);
  says({root + "/damaged.sqlite"}, "damaged");
  EXPECT_EQ(read_text(root + "/damaged.sqlite"), bytes);  // untouched
  EXPECT_EQ(compare_verb({}).code, 2);
  EXPECT_EQ(compare_verb({store, "--json", "--csv"}).code, 2);
  EXPECT_EQ(compare_verb({store, "--accuracy", "82"}).code, 2);
}

std::vector<StoredRun> two_workers(int first_seed, const std::vector<std::string>& axes) {
  std::vector<StoredRun> runs;
  for (const std::string& each : axes)
    for (int seed = first_seed; seed < first_seed + 2; ++seed) runs.push_back({.axes = each, .seed = seed});
  return runs;
}

TEST(CompareVerb, StoresOfOtherScenariosAreNotOneConfiguration) {
  const std::vector<std::string> axes{R"({"cluster.workers":1})", R"({"cluster.workers":2})"};
  const std::string one = make_store(two_workers(1, axes), {.scenario = R"({"workload": {"batch_size": 1}})"}),
                    other = make_store(two_workers(3, axes), {.scenario = R"({"workload": {"batch_size": 9}})"});
  const json apart = json::parse(compare_verb({one, other, "--json"}).out);
  ASSERT_EQ(apart.at("configurations").size(), 4u);
  EXPECT_EQ(apart.at("configurations")[0].at("n"), 2);
  EXPECT_EQ(apart.at("configurations")[0].at("axes").at("workload.batch_size"), 1);
  const json together = json::parse(
      compare_verb(
          {one, make_store(two_workers(3, axes), {.scenario = R"({"workload": {"batch_size": 1}})"}), "--json"})
          .out);
  ASSERT_EQ(together.at("configurations").size(), 2u);
  EXPECT_EQ(together.at("configurations")[0].at("n"), 4);
}

TEST(CompareVerb, TheOrderOfAxesMakesNoDifference) {
  const std::string one = make_store(two_workers(1, {R"({"cluster.workers":1,"workload.batch_size":4})"})),
                    other = make_store(two_workers(3, {R"({"workload.batch_size":4,"cluster.workers":1})"}));
  const json made = json::parse(compare_verb({one, other, "--json"}).out);
  ASSERT_EQ(made.at("configurations").size(), 1u);
  EXPECT_EQ(made.at("configurations")[0].at("n"), 4);
}

TEST(CompareVerb, ABaselineThatHasNotRunYetIsNoted) {
  const std::string store =
      make_store(two_workers(1, {R"({"cluster.workers":4})"}), {.baseline = R"({"cluster.workers": 1})"});
  const Finished made = compare_verb({store});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.err, HasSubstr("no differences: baseline: no configuration has cluster.workers = 1"));
  EXPECT_EQ(compare_verb({store, "--baseline", "cluster.workers=1"}).code, 3);
}

TEST(CompareVerb, ReadsAStoreIntoWhichASweepIsWriting) {
  const std::string store = make_store(some_runs()), before = compare_verb({store}).out;
  sqlite3* writer = nullptr;
  ASSERT_EQ(sqlite3_open(store.c_str(), &writer), SQLITE_OK);
  const char* half = "BEGIN IMMEDIATE; UPDATE summary SET simulated_time_s = 7; DELETE FROM curve;";
  EXPECT_EQ(sqlite3_exec(writer, half, nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_EQ(compare_verb({store}).out, before);
  EXPECT_EQ(sqlite3_exec(writer, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_NE(compare_verb({store}).out, before);  // out of its log
  sqlite3_close(writer);
}

TEST(CompareVerb, AStoreThatMayOnlyBeReadIsRead) {
  const std::string store = make_store(some_runs());
  const std::string folder = std::filesystem::path(store).parent_path().string();
  const std::string before = compare_verb({store}).out;
  using std::filesystem::perms;
  std::filesystem::permissions(store, perms::owner_read);
  std::filesystem::permissions(folder, perms::owner_read | perms::owner_exec);
  EXPECT_EQ(compare_verb({store}).out, before);
  std::filesystem::permissions(folder, perms::owner_all);
}

}  // namespace
}  // namespace paceline::test
