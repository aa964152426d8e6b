// run --resume, through the program: after Ctrl-C, after kill -9, after a limit; and what is refused.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Some seconds of numbers.
std::vector<std::string> long_run(const std::string& out, const std::vector<std::string>& more = {}) {
  std::vector<std::string> words{"run",
                                 path_of("tests/data/scenarios/blobs.json"),
                                 "--quiet",
                                 "--out",
                                 out,
                                 "--set",
                                 "training.stop={\"steps\": 4000}",
                                 "--set",
                                 "training.strategy={\"kind\": \"async\"}",
                                 "--set",
                                 "output.checkpoint={\"wall\": \"20ms\"}"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

void expect_same_files(const std::string& one, const std::string& other) {
  for (const char* file : {"scenario.json", "steps.csv", "curve.csv", "workers.csv", "links.csv"})
    EXPECT_EQ(read_text(one + "/" + file), read_text(other + "/" + file)) << file;
  Json a = Json::parse(read_text(one + "/results.json")), b = Json::parse(read_text(other + "/results.json"));
  for (Json* results : {&a, &b}) results->erase("performance"), results->erase("host");
  EXPECT_EQ(a, b);
}

class Resume : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(paceline(long_run("whole"), in()).code, 0); }
  ProcessOptions in() const { return {.folder = folder_}; }
  // Until there is a checkpoint of some part of it.
  ProcessOptions until_checkpoint(int signal) const {
    const std::string file = folder_ + "/part/checkpoint.bin";
    return {
        .folder = folder_, .environment = {}, .interrupt_when = [file] { return fs::exists(file); }, .signal = signal};
  }
  void expect_goes_on() const {
    const Finished finished = paceline({"run", "--resume", "part", "--quiet"}, in());
    EXPECT_EQ(finished.code, 0) << finished.err;
    expect_same_files(folder_ + "/part", folder_ + "/whole");
    EXPECT_FALSE(fs::exists(folder_ + "/part/checkpoint.bin"));
    EXPECT_FALSE(fs::exists(folder_ + "/part/checkpoint.bin.partial"));
  }
  const std::string folder_ = scratch_folder();
};

TEST_F(Resume, GoesOnAfterAnInterruption) {
  ASSERT_EQ(paceline(long_run("part"), until_checkpoint(SIGINT)).code, 130);
  EXPECT_EQ(Json::parse(read_text(folder_ + "/part/results.json"))["outcome"]["reason"], "interrupted");
  expect_goes_on();
}

TEST_F(Resume, GoesOnAfterAKill) {
  ASSERT_EQ(paceline(long_run("part"), until_checkpoint(SIGKILL)).code, 128 + SIGKILL);
  EXPECT_FALSE(fs::exists(folder_ + "/part/results.json"));
  expect_goes_on();
}

TEST_F(Resume, GoesOnAfterALimitAndAfterAnother) {
  ASSERT_EQ(paceline(long_run("part", {"--max-events", "5000"}), in()).code, 5);
  const Finished again = paceline({"run", "--resume", "part", "--max-events", "9000"}, in());
  EXPECT_EQ(again.code, 5);
  EXPECT_TRUE(again.err.ends_with("to go on: paceline run --resume part\n")) << again.err;
  const std::string checkpoint = read_text(folder_ + "/part/checkpoint.bin");
  const Finished short_of_it = paceline({"run", "--resume", "part", "--max-events", "100"}, in());
  EXPECT_EQ(short_of_it.code, 5);
  EXPECT_NE(short_of_it.err.find("which stays as it was"), std::string::npos) << short_of_it.err;
  EXPECT_EQ(read_text(folder_ + "/part/checkpoint.bin"), checkpoint);
  expect_goes_on();
}

TEST_F(Resume, StartsAnewWhereThereIsNoCheckpointYet) {
  fs::create_directories(folder_ + "/part");
  fs::copy(folder_ + "/whole/scenario.json", folder_ + "/part/scenario.json");
  expect_goes_on();
}

TEST_F(Resume, RefusesWhatItCannotGoOnWith) {
  const auto complaint = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"run", "--resume"};
    words.insert(words.end(), more.begin(), more.end());
    const Finished finished = paceline(words, in());
    EXPECT_EQ(finished.code, 2);
    return finished.err;
  };
  EXPECT_EQ(complaint({"whole"}), "paceline: --resume: the run in whole has ended by itself\n");
  EXPECT_EQ(complaint({"nowhere"}), "paceline: --resume: nowhere is no run folder\n");
  EXPECT_EQ(complaint({"whole", "scenario.json"}),
            "paceline: --resume DIR goes without a SCENARIO: the folder has its own\n");
  EXPECT_NE(complaint({"whole", "--timing-only"}).find("--resume excludes"), std::string::npos);
  EXPECT_NE(complaint({"whole", "--set", "seed=3"}).find("--resume excludes"), std::string::npos);
}

}  // namespace
}  // namespace paceline::test
