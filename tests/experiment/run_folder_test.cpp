// Run folders, as the program writes them: what is in them, that they run again, that what is foreign in them stays.
#include <gtest/gtest.h>

#include <bit>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::json;

const std::string scenario = path_of("tests/data/wrong/scenario.json");

std::set<std::string> files_in(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}
const std::set<std::string> own{"curve.csv", "links.csv", "results.json", "scenario.json",
                                "steps.csv", "waits.csv", "workers.csv"};

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  for (char letter : line) {
    if (letter == ',') cells.emplace_back();
    else cells.back() += letter;
  }
  return cells;
}

TEST(RunFolder, IsNamedAfterTheRunAndItsHashUnlessOutSaysOtherwise) {
  const std::string folder = scratch_folder();
  const Finished finished = paceline({"run", scenario, "--quiet"}, {.folder = folder});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const std::set<std::string> runs = files_in(folder + "/runs");
  ASSERT_EQ(runs.size(), 1u);
  const std::string run = folder + "/runs/" + *runs.begin();
  EXPECT_EQ(files_in(run), own);
  const Json results = Json::parse(read_text(run + "/results.json"));
  EXPECT_EQ(*runs.begin(), "right-" + results["scenario_hash"].get<std::string>().substr(0, 8));
}

TEST(RunFolder, ItsScenarioRunsAgainToTheSameResults) {
  const std::string folder = scratch_folder();
  ASSERT_EQ(paceline({"run", scenario, "--out", "first", "--set", "seed=11", "--quiet"}, {.folder = folder}).code, 0);
  ASSERT_EQ(paceline({"run", "first/scenario.json", "--out", "second", "--quiet"}, {.folder = folder}).code, 0);
  for (const char* file : {"scenario.json", "steps.csv", "curve.csv", "workers.csv", "waits.csv", "links.csv"})
    EXPECT_EQ(read_text(folder + "/second/" + file), read_text(folder + "/first/" + file)) << file;
  Json first = Json::parse(read_text(folder + "/first/results.json")),
       second = Json::parse(read_text(folder + "/second/results.json"));
  for (Json* results : {&first, &second}) results->erase("performance"), results->erase("host");
  EXPECT_EQ(first, second);
}

TEST(RunFolder, DoesNotDependOnWhereItIsRun) {
  const std::string folder = scratch_folder();
  write_text(folder + "/deep/down/other.json", read_text(scenario));
  ASSERT_EQ(paceline({"run", scenario, "--out", folder + "/first", "--quiet"}).code, 0);
  ASSERT_EQ(paceline({"run", "down/other.json", "--out", "../second", "--quiet"}, {.folder = folder + "/deep"}).code,
            0);
  for (const char* file : {"scenario.json", "steps.csv"})
    EXPECT_EQ(read_text(folder + "/second/" + file), read_text(folder + "/first/" + file)) << file;
}

TEST(RunFolder, ThatExistsKeepsForeignFilesAndNoneOfAnEarlierRun) {
  const std::string folder = scratch_folder();
  write_text(folder + "/out/notes.txt", "mine");
  write_text(folder + "/out/steps.csv", "of an earlier run");
  write_text(folder + "/out/results.json", "of an earlier run");
  ASSERT_EQ(
      paceline({"run", scenario, "--out", "out", "--set", "output.steps=false", "--quiet"}, {.folder = folder}).code,
      0);
  std::set<std::string> expected = own;
  expected.erase("steps.csv");
  expected.insert("notes.txt");
  EXPECT_EQ(files_in(folder + "/out"), expected);
  EXPECT_EQ(read_text(folder + "/out/notes.txt"), "mine");
  EXPECT_EQ(Json::parse(read_text(folder + "/out/results.json"))["name"], "right");
}

TEST(RunFolder, ThatCannotBeMadeIsReportedBeforeTheRunStarts) {
  const std::string folder = scratch_folder();
  write_text(folder + "/file", "not a folder");
  std::filesystem::create_directories(folder + "/out/scenario.json.partial");
  const std::vector<std::string> forever{"--timing-only", "--set", "training.stop={\"steps\": 1000000000}", "--quiet"};
  const auto complaint = [&](const std::string& out) {
    std::vector<std::string> words{"run", scenario, "--out", out};
    words.insert(words.end(), forever.begin(), forever.end());
    const Finished finished = paceline(words, {.folder = folder});
    EXPECT_EQ(finished.code, 1);
    EXPECT_EQ(finished.out, "");
    return finished.err;
  };
  EXPECT_EQ(complaint("file"), "paceline: file: cannot be made: Not a directory\n");
  EXPECT_EQ(complaint("file/below"), "paceline: file/below: cannot be made: Not a directory\n");
  EXPECT_EQ(complaint("out"), "paceline: out/scenario.json: cannot be written: Is a directory\n");
  EXPECT_EQ(read_text(folder + "/file"), "not a folder");
}

TEST(RunFolder, StepsHaveTheHeaderOfTheInterfaceAndNumbersThatReadBackToTheSameBits) {
  const std::string folder = scratch_folder();
  ASSERT_EQ(paceline({"run", scenario, "--out", "out", "--quiet"}, {.folder = folder}).code, 0);
  std::istringstream lines(read_text(folder + "/out/steps.csv"));
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(line, "worker,step,start_s,compute_s,wait_s,exposed_communication_s,queue_s,samples,train_loss,staleness");
  std::map<int, int> next;
  int rows = 0;
  for (; std::getline(lines, line); ++rows) {
    const std::vector<std::string> cells = cells_of(line);
    ASSERT_EQ(cells.size(), 10u) << line;
    EXPECT_EQ(std::stoi(cells[1]), next[std::stoi(cells[0])]++) << "each worker counts its own batches from 0";
    for (std::size_t i = 2; i < cells.size(); ++i) {
      const double value = std::strtod(cells[i].c_str(), nullptr);
      EXPECT_EQ(fmt::format("{}", value), cells[i]);
      for (int digits = 1; digits < 17; ++digits)  // nor is there a shorter one
        if (const std::string shorter = fmt::format("{:.{}g}", value, digits);
            std::strtod(shorter.c_str(), nullptr) == value) {
          EXPECT_LE(cells[i].size(), shorter.size() + 4) << cells[i];  // 0.0001 for 1e-04
          break;
        }
    }
  }
  EXPECT_EQ(rows, 16);
}

TEST(RunFolder, TimingOnlyHasTheSameTimesAndNoLosses) {
  const std::string folder = scratch_folder();
  ASSERT_EQ(paceline({"run", scenario, "--out", "real", "--quiet"}, {.folder = folder}).code, 0);
  ASSERT_EQ(paceline({"run", scenario, "--out", "timing", "--timing-only", "--quiet"}, {.folder = folder}).code, 0);
  std::istringstream real(read_text(folder + "/real/steps.csv")), timing(read_text(folder + "/timing/steps.csv"));
  std::string with, without;
  while (std::getline(real, with)) {
    ASSERT_TRUE(std::getline(timing, without));
    std::vector<std::string> a = cells_of(with), b = cells_of(without);
    EXPECT_TRUE(a[0] == "worker" || (!a[8].empty() && b[8].empty())) << with << "\n" << without;
    a[8] = b[8] = "";
    EXPECT_EQ(a, b);
  }
  const Json one = Json::parse(read_text(folder + "/real/results.json")),
             two = Json::parse(read_text(folder + "/timing/results.json"));
  EXPECT_EQ(one["fingerprint"], two["fingerprint"]);
  EXPECT_EQ(one["links"], two["links"]);
  EXPECT_TRUE(two["summary"]["final_test_accuracy"].is_null());
}

TEST(RunFolder, FlowsAndTrafficAreAllBytesOnTheWire) {
  for (const char* more : {"cluster.network.fidelity=fluid", "cluster.network.fidelity=fused",
                           "cluster.network.fidelity=analytic", R"(training.strategy={"kind": "async"})"}) {
    SCOPED_TRACE(more);
    const std::string folder = scratch_folder();
    const Finished finished = paceline(
        {"run", scenario, "--out", "out", "--quiet", "--timing-only", "--set", R"(training.strategy={"kind": "bsp"})",
         "--set", more, "--set", "output.flows=true", "--set", "output.traffic=true"},
        {.folder = folder});
    ASSERT_EQ(finished.code, 0) << finished.err;
    const double sent = Json::parse(read_text(folder + "/out/results.json"))["summary"]["bytes_on_wire"];
    std::istringstream flows(read_text(folder + "/out/flows.csv")), traffic(read_text(folder + "/out/traffic.csv"));
    std::string line;
    std::getline(flows, line);
    EXPECT_EQ(line, "from,to,bytes,sent_s,arrived_s");
    std::map<std::string, std::pair<std::int64_t, double>> pairs;
    double under_way = sent, largest = 0;
    while (std::getline(flows, line)) {
      const auto cells = cells_of(line);
      EXPECT_GE(std::stod(cells[4]), std::stod(cells[3]));
      auto& [messages, bytes] = pairs[cells[0] + "," + cells[1]];
      ++messages;
      bytes += std::stod(cells[2]);
      under_way -= std::stod(cells[2]);
      largest = std::max(largest, std::stod(cells[2]));
    }
    EXPECT_GE(under_way, -1e-6 * sent);
    EXPECT_LE(under_way, 4 * largest) << "no more than what each worker had under way at the end";
    std::getline(traffic, line);
    EXPECT_EQ(line, "from,to,messages,bytes");
    std::size_t rows = 0;
    for (; std::getline(traffic, line); ++rows) {
      const auto cells = cells_of(line);
      const auto& [messages, bytes] = pairs[cells[0] + "," + cells[1]];
      EXPECT_EQ(std::stoll(cells[2]), messages);
      EXPECT_NEAR(std::stod(cells[3]), bytes, 1e-9 * bytes);
    }
    EXPECT_EQ(rows, pairs.size());
  }
}

}  // namespace
}  // namespace paceline::test
