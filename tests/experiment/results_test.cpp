// Results: every key of the interface with its type, numbers that read back to the same bits, files that are whole.
#include "sim/experiment/results.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "sim/core/random.hpp"
#include "sim/experiment/csv.hpp"
#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::json;

const std::string scenario = "tests/data/wrong/scenario.json";

std::string type_of(const Json& value) {
  if (value.is_number()) return "number";
  return value.type_name();
}

// Each key with what its value may be, in the order of the interface.
void expect_keys(const Json& object, const std::vector<std::pair<std::string, std::string>>& keys,
                 const std::string& at) {
  std::set<std::string> known;
  for (const auto& [key, types] : keys) {
    known.insert(key);
    ASSERT_TRUE(object.contains(key)) << at << "." << key;
    EXPECT_NE(types.find(type_of(object[key])), std::string::npos)
        << at << "." << key << " is " << object[key] << ", not " << types;
  }
  for (const auto& [key, unused] : object.items())
    EXPECT_TRUE(known.contains(key)) << at << "." << key << " is not in the interface";
}

void expect_interface(const Json& json, bool numerics) {
  const std::string trained = numerics ? "number" : "null";
  expect_keys(json,
              {{"schema_version", "number"},
               {"paceline_version", "string"},
               {"name", "string"},
               {"scenario_hash", "string"},
               {"seed", "number"},
               {"fingerprint", "string"},
               {"outcome", "object"},
               {"summary", "object"},
               {"curve", "array"},
               {"workers", "array"},
               {"waits", "array"},
               {"critical_path", "object"},
               {"imbalance", "object"},
               {"links", "array"},
               {"collectives", "array"},
               {"checks", "array"},
               {"performance", "object"},
               {"host", "object"}},
              "results");
  expect_keys(json["outcome"], {{"reason", "string"}, {"detail", "string"}}, "outcome");
  expect_keys(json["summary"],
              {{"simulated_time_s", "number"},
               {"steps", "number"},
               {"updates", "number"},
               {"samples", "number"},
               {"epochs", "number"},
               {"throughput_samples_per_s", "number"},
               {"final_train_loss", trained},
               {"final_test_loss", trained},
               {"final_test_accuracy", trained},
               {"best_test_accuracy", trained},
               {"time_to_accuracy_s", "null or number"},
               {"compute_fraction", "number"},
               {"exposed_communication_fraction", "number"},
               {"wait_fraction", "number"},
               {"queue_fraction", "number"},
               {"down_fraction", "number"},
               {"overlapped_communication_fraction", "number"},
               {"load_imbalance", "number"},
               {"bytes_on_wire", "number"},
               {"background_bytes", "number"},
               {"rerouted_transfers", "number"},
               {"held_transfers", "number"},
               {"failures", "object"},
               {"goodput", "number"},
               {"staleness", "object"},
               {"dropped_gradients", "number"},
               {"cancelled_gradients", "number"},
               {"cancelled_gradients", "number"}},
              "summary");
  expect_keys(json["summary"]["staleness"],
              {{"mean", "number"}, {"p50", "number"}, {"p95", "number"}, {"max", "number"}, {"histogram", "array"}},
              "staleness");
  ASSERT_FALSE(json["curve"].empty());
  for (const Json& point : json["curve"])
    expect_keys(point,
                {{"time_s", "number"},
                 {"step", "number"},
                 {"epoch", "number"},
                 {"samples", "number"},
                 {"train_loss", trained},
                 {"test_loss", trained},
                 {"test_accuracy", trained},
                 {"bytes_on_wire", "number"}},
                "curve");
  ASSERT_EQ(json["workers"].size(), 4u);
  for (const Json& worker : json["workers"])
    expect_keys(worker,
                {{"worker", "number"},
                 {"device", "string"},
                 {"steps", "number"},
                 {"samples", "number"},
                 {"compute_s", "number"},
                 {"exposed_communication_s", "number"},
                 {"wait_s", "number"},
                 {"queue_s", "number"},
                 {"down_s", "number"},
                 {"blamed_s", "number"},
                 {"bytes_sent", "number"},
                 {"bytes_received", "number"},
                 {"partition_rows", trained},
                 {"label_counts", "null"}},
                "worker");
  for (const Json& wait : json["waits"])
    expect_keys(wait, {{"worker", "number"}, {"for", "number"}, {"wait_s", "number"}}, "wait");
  expect_keys(json["critical_path"],
              {{"compute_s", "number"},
               {"communication_s", "number"},
               {"queue_s", "number"},
               {"wait_s", "number"},
               {"down_s", "number"},
               {"workers", "array"}},
              "critical_path");
  ASSERT_FALSE(json["critical_path"]["workers"].empty());
  for (const Json& worker : json["critical_path"]["workers"])
    expect_keys(worker, {{"worker", "number"}, {"compute_s", "number"}, {"steps", "number"}}, "worker on the path");
  expect_keys(json["imbalance"],
              {{"max_over_mean", "number"},
               {"coefficient_of_variation", "number"},
               {"wait_share", "number"},
               {"per_step", "object"}},
              "imbalance");
  expect_keys(json["imbalance"]["per_step"],
              {{"steps", "number"},
               {"mean", "number"},
               {"p50", "number"},
               {"p95", "number"},
               {"max", "number"},
               {"mean_coefficient_of_variation", "number"},
               {"mean_wait_share", "number"},
               {"max_wait_share", "number"}},
              "imbalance per step");
  ASSERT_EQ(json["links"].size(), 10u);
  for (const Json& link : json["links"])
    expect_keys(link,
                {{"link", "string"},
                 {"bytes", "number"},
                 {"utilization", "number"},
                 {"peak_utilization", "number"},
                 {"busy_s", "number"},
                 {"mean_flows", "number"}},
                "link");
  ASSERT_FALSE(json["checks"].empty());
  for (const Json& check : json["checks"])
    expect_keys(check, {{"name", "string"}, {"holds", "boolean"}, {"detail", "string"}}, "check");
  expect_keys(json["performance"],
              {{"wall_s", "number"},
               {"cpu_s", "number"},
               {"events", "number"},
               {"events_per_s", "number"},
               {"transfers", "number"},
               {"gradients", "number"},
               {"peak_memory_bytes", "number"}},
              "performance");
}

TEST(ResultsJson, HasWhoWaitedForWhom) {
  const Json json = Json::parse(to_json(
      run("tests/data/scenarios/timing.json", {R"(cluster.stragglers=[{"kind": "slow", "workers": "2", "factor": 3}])"})
          .results));
  ASSERT_EQ(json["waits"].size(), 3u);
  EXPECT_EQ(json["waits"][2], Json({{"worker", 3}, {"for", 2}, {"wait_s", 0.006}}));
}

TEST(ResultsJson, HasEveryKeyOfTheInterfaceWithItsType) {
  expect_interface(Json::parse(to_json(run(scenario).results)), true);
  expect_interface(Json::parse(to_json(run(scenario, {"numerics=false"}).results)), false);
}

TEST(ResultsJson, CountsLabelsWhereWorkersHaveRowsOfTheirOwn) {
  const Results results = run(scenario, {R"(workload.partition={"kind": "by_label"})"}).results;
  const Json workers = Json::parse(to_json(results))["workers"];
  for (std::size_t w = 0; w < 4; ++w) {
    EXPECT_EQ(workers[w]["partition_rows"], results.workers[w].partition_rows.value());
    EXPECT_EQ(workers[w]["label_counts"], Json(results.workers[w].label_counts));
    EXPECT_EQ(workers[w]["label_counts"].size(), 10u);
  }
}

TEST(ResultsJson, SaysNullWhereANumberIsNotFinite) {
  Results results = run(scenario).results;
  results.curve.back().train_loss = std::numeric_limits<double>::quiet_NaN();
  results.curve.back().test_loss = std::numeric_limits<double>::infinity();
  results.links[0].utilization = -std::numeric_limits<double>::infinity();
  const Json json = Json::parse(to_json(results));
  EXPECT_TRUE(json["curve"].back()["train_loss"].is_null());
  EXPECT_TRUE(json["summary"]["final_train_loss"].is_null());
  EXPECT_TRUE(json["summary"]["final_test_loss"].is_null());
  EXPECT_TRUE(json["links"][0]["utilization"].is_null());
}

TEST(ResultsJson, OutsidePerformanceAndHostNothingDependsOnTheRunOfTheProgram) {
  Json one = Json::parse(to_json(run(scenario).results)), two = Json::parse(to_json(run(scenario, {}, 2).results));
  for (Json* json : {&one, &two}) json->erase("performance"), json->erase("host");
  EXPECT_EQ(one, two);
}

TEST(ResultsJson, TheFractionsOfTimeAddUpToOne) {
  const Json summary = Json::parse(to_json(run(scenario).results))["summary"];
  double sum = 0;
  for (const char* part :
       {"compute_fraction", "exposed_communication_fraction", "wait_fraction", "queue_fraction", "down_fraction"})
    sum += summary[part].get<double>();
  EXPECT_NEAR(sum, 1, 1e-12);
}

TEST(ResultFiles, HaveTheHeadersOfTheInterfaceAndARowForEach) {
  const Results results = run(scenario).results;
  const std::string folder = scratch_folder();
  write_results(results, folder);
  const auto expect = [&](const std::string& file, const std::string& header, std::size_t rows) {
    const std::string text = read_text(folder + "/" + file);
    EXPECT_EQ(text.substr(0, text.find('\n')), header);
    EXPECT_EQ(std::size_t(std::count(text.begin(), text.end(), '\n')), rows + 1) << file;
    EXPECT_TRUE(text.ends_with('\n'));
  };
  expect("curve.csv", "time_s,step,epoch,samples,train_loss,test_loss,test_accuracy,bytes_on_wire",
         results.curve.size());
  expect("workers.csv",
         "worker,device,steps,samples,compute_s,exposed_communication_s,wait_s,queue_s,down_s,blamed_s,bytes_sent,"
         "bytes_received",
         4);
  expect("waits.csv", "worker,for,wait_s", results.waits.size());
  expect("links.csv", "link,bytes,utilization,peak_utilization,busy_s,mean_flows", results.links.size());
  EXPECT_EQ(Json::parse(read_text(folder + "/results.json"))["scenario_hash"], results.hash);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) EXPECT_NE(entry.path().extension(), ".partial");
}

std::vector<std::string> cells_of_second_line(const std::string& text) {
  std::vector<std::string> cells(1);
  for (char letter : text.substr(text.find('\n') + 1)) {
    if (letter == '\n') break;
    if (letter == ',') cells.emplace_back();
    else cells.back() += letter;
  }
  return cells;
}

TEST(Csv, NumbersReadBackToTheSameBits) {
  const std::string folder = scratch_folder();
  const Stream draws(1, "csv", 0);
  std::vector<double> values{0.1,    1.0 / 3, 1e-320, 1.7976931348623157e308, 4.9e-324, -0.0, 123456789012345678.0,
                             0x1p53, 2e22};
  for (std::uint64_t i = 0; values.size() < 2'000; ++i)
    if (const double value = std::bit_cast<double>(draws.bits(i)); std::isfinite(value)) values.push_back(value);
  CsvFile file(folder + "/x.csv", "x");
  for (double value : values) file.row(value);
  file.close();
  std::istringstream lines(read_text(folder + "/x.csv"));
  std::string line;
  std::getline(lines, line);
  for (double value : values) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(std::bit_cast<std::uint64_t>(std::strtod(line.c_str(), nullptr)), std::bit_cast<std::uint64_t>(value))
        << line;
    EXPECT_LE(line.size(), 24u) << line;
  }
}

TEST(Csv, WhatIsNotKnownOrNotFiniteIsEmptyAndTextIsQuotedWhereItMust) {
  const std::string folder = scratch_folder();
  CsvFile file(folder + "/x.csv", "a,b,c,d,e");
  file.row(std::numeric_limits<double>::quiet_NaN(), std::optional<double>{}, std::numeric_limits<double>::infinity(),
           std::int64_t{-3}, std::string_view("plain"));
  file.row(1.0, 2.0, 3.0, 4, std::string_view("a \"quoted\", text"));
  file.close();
  EXPECT_EQ(read_text(folder + "/x.csv"), "a,b,c,d,e\n,,,-3,plain\n1,2,3,4,\"a \"\"quoted\"\", text\"\n");
  EXPECT_EQ(cells_of_second_line(read_text(folder + "/x.csv")).size(), 5u);
}

TEST(Csv, AFileTakesItsNameWhenItIsWholeAndNotBefore) {
  const std::string folder = scratch_folder(), path = folder + "/x.csv";
  {
    CsvFile file(path, "a");
    file.row(1.0);
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_TRUE(std::filesystem::exists(path + ".partial"));
    file.close();
    EXPECT_TRUE(std::filesystem::exists(path));
    EXPECT_FALSE(std::filesystem::exists(path + ".partial"));
  }
  CsvFile none("", "a");
  none.row(1.0);
  none.close();
}

TEST(Csv, WhatCannotBeWrittenIsARunErrorThatNamesTheFile) {
  const std::string folder = scratch_folder();
  std::filesystem::create_directories(folder + "/taken");
  write_text(folder + "/taken/inside", "");
  const auto error_of = [](const std::function<void()>& action) -> std::string {
    try {
      action();
    } catch (const RunError& error) { return error.what(); }
    return "no error";
  };
  EXPECT_EQ(error_of([&] { CsvFile(folder + "/none/x.csv", "a"); }),
            folder + "/none/x.csv: cannot be written: No such file or directory");
  EXPECT_EQ(error_of([&] { write_file(folder + "/none/x", ""); }),
            folder + "/none/x: cannot be written: No such file or directory");
  EXPECT_EQ(error_of([&] { write_file(folder + "/taken", ""); }), folder + "/taken: cannot be written: Is a directory");
}

TEST(SummaryTable, IsPlainWithoutColourAndTellsEveryPart) {
  const Results results = run(scenario).results;
  const std::string plain = summary_table(results, false), coloured = summary_table(results, true);
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
  EXPECT_NE(coloured.find('\x1b'), std::string::npos);
  for (const char* part :
       {"right   ended by steps: 4 steps", "simulated time", "throughput", "test accuracy", "compute",
        "exposed communication", "wait", "queue", "staleness", "busiest links", "self-checks:", "events in"})
    EXPECT_NE(plain.find(part), std::string::npos) << part;
}

TEST(SummaryTable, ARunThatNeverBeganHasOneToo) {
  Results results;
  results.workers.resize(3);
  const std::string text = summary_table(results, false);
  EXPECT_EQ(text.find("nan"), std::string::npos) << text;
  EXPECT_EQ(text.find("inf"), std::string::npos) << text;
}

}  // namespace
}  // namespace paceline::test
