// paceline sweep: a sweep that is killed and goes on, that several processes share, or that is cut in shards, leaves
// the store that one undisturbed process leaves; what goes wrong says so and loses nothing.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "sim/experiment/sweep/database.hpp"
#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Everything in a store but what depends on time and machine.
const std::vector<std::string> deterministic{
    "SELECT * FROM sweep ORDER BY key",
    "SELECT hash, position, seed, axes, scenario_name, scenario, state, error, version FROM runs ORDER BY hash",
    "SELECT * FROM summary ORDER BY hash",
    "SELECT * FROM curve ORDER BY hash, point",
    "SELECT * FROM workers ORDER BY hash, worker",
    "SELECT * FROM owners"};

std::string dump(const std::string& folder, const std::vector<std::string>& queries = deterministic) {
  Database database(folder + "/sweep.sqlite", Database::Mode::read);
  std::string text;
  for (const std::string& query : queries) {
    Statement rows(database, query);
    while (rows.step()) {
      for (int i = 0; i < rows.columns(); ++i) text += rows.value(i).dump() + ",";
      text += "\n";
    }
    text += "\n";
  }
  return text;
}
std::int64_t count(const std::string& folder, const std::string& where) {
  Database database(folder + "/sweep.sqlite", Database::Mode::read);
  return database.number("SELECT count(*) FROM runs WHERE " + where);
}

// Also while the store is being made.
bool any(const std::string& folder, const std::string& where) {
  try {
    return count(folder, where) > 0;
  } catch (const std::exception&) { return false; }
}

// `n` configurations of `steps` steps with two seeds, on the clock alone.
std::string sweep_file(int n, int steps, const std::string& more = "") {
  const std::string file = scratch_folder() + "/test-sweep.json";
  write_text(file, fmt::format(R"({{
    "scenario": {{"extends": "{}", "cluster": {{"workers": 8, "jitter": {{"kind": "exponential"}}}},
                  "training": {{"stop": {{"steps": {}}}}}}},
    "axes": {{"workload.batch_size": {{"from": 1, "to": {}, "step": 1}}{}}}, "seeds": 2}})",
                               path_of("tests/data/scenarios/timing.json"), steps, n, more));
  return file;
}

Finished sweep(const std::string& file, const std::string& out, std::vector<std::string> more = {},
               const ProcessOptions& options = {}) {
  std::vector<std::string> words{"sweep", file, "--out", out, "--quiet"};
  words.insert(words.end(), more.begin(), more.end());
  return paceline(words, options);
}

ProcessOptions interrupted_when(const std::function<bool()>& when) {
  ProcessOptions options;
  options.interrupt_when = when;
  return options;
}
ProcessOptions killed_after(std::chrono::milliseconds span, int signal = SIGKILL) {
  const auto when = std::chrono::steady_clock::now() + span;
  ProcessOptions options = interrupted_when([when] { return std::chrono::steady_clock::now() > when; });
  options.signal = signal;
  return options;
}

class SweepStore : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    file = sweep_file(100, 60);
    whole = scratch_folder();
    ASSERT_EQ(sweep(file, whole, {"--jobs", "1"}).code, 0);
    ASSERT_EQ(count(whole, "state = 'done'"), 200);
  }
  static void expect_the_same(const std::string& out) {
    EXPECT_EQ(dump(out), dump(whole));
    EXPECT_EQ(read_text(out + "/sweep.csv"), read_text(whole + "/sweep.csv"));
  }
  static inline std::string file, whole;
};

TEST_F(SweepStore, DoesNotDependOnJobs) {
  const std::string out = scratch_folder();
  ASSERT_EQ(sweep(file, out, {"--jobs", "4"}).code, 0);
  expect_the_same(out);
}

TEST_F(SweepStore, GoesOnAfterKills) {
  const std::string out = scratch_folder();
  std::mt19937 random(7);
  int killed = 0;
  for (int i = 0; i < 6; ++i)
    killed += sweep(file, out, {"--jobs", "2"}, killed_after(random() % 250 * 1ms)).code == 128 + SIGKILL;
  EXPECT_GT(killed, 0);
  ASSERT_EQ(sweep(file, out).code, 0);
  expect_the_same(out);
}

TEST_F(SweepStore, GoesOnAfterKillsOfOneOfTwoProcesses) {
  const std::string out = scratch_folder();
  Finished other;
  std::thread lasting([&] { other = sweep(file, out, {"--jobs", "1"}); });
  std::mt19937 random(11);
  for (int i = 0; i < 4; ++i) sweep(file, out, {"--jobs", "1"}, killed_after(20ms + random() % 150 * 1ms));
  lasting.join();
  EXPECT_EQ(other.code, 0) << other.err;  // it has waited for what the killed ones had begun
  EXPECT_EQ(sweep(file, out).code, 0);    // one that was killed when all was done has left its name
  expect_the_same(out);
}

TEST_F(SweepStore, OfShardsAddsUp) {
  const std::string out = scratch_folder();
  std::int64_t before = 0;
  for (const char* shard : {"1/3", "2/3", "3/3"}) {
    ASSERT_EQ(sweep(file, out, {"--shard", shard}).code, 0);
    EXPECT_GT(count(out, "state = 'done'"), before);
    before = count(out, "state = 'done'");
  }
  expect_the_same(out);
}

TEST_F(SweepStore, OfShardsApartIsMerged) {
  const std::string folder = scratch_folder(), out = folder + "/merged/sweep.sqlite";
  fs::create_directories(folder + "/merged");
  std::vector<std::string> words{"merge", "-o", out};
  for (const char* shard : {"1", "2", "3"}) {
    ASSERT_EQ(sweep(file, folder + "/" + shard, {"--shard", fmt::format("{}/3", shard)}).code, 0);
    words.push_back(folder + "/" + shard);
  }
  const Finished merged = paceline(words);
  ASSERT_EQ(merged.code, 0) << merged.err;
  EXPECT_NE(merged.out.find("200 runs, 200 done\n"), std::string::npos) << merged.out;
  EXPECT_EQ(dump(folder + "/merged"), dump(whole));
  EXPECT_EQ(sweep(file, folder + "/merged").code, 0);  // nothing is left to do
  expect_the_same(folder + "/merged");

  EXPECT_EQ(paceline(words).code, 1);  // it is there already
  const std::string other = folder + "/other.sqlite";
  fs::copy_file(folder + "/2/sweep.sqlite", other);
  {
    Database changed(other, Database::Mode::create);
    changed.execute("UPDATE summary SET simulated_time_s = 1 WHERE hash = (SELECT min(hash) FROM summary)");
  }
  const Finished refused = paceline({"merge", folder + "/2", other, "-o", folder + "/refused.sqlite"});
  EXPECT_EQ(refused.code, 3);
  EXPECT_NE(refused.err.find("has another summary than in a store before it"), std::string::npos) << refused.err;
  EXPECT_FALSE(fs::exists(folder + "/refused.sqlite"));
  EXPECT_FALSE(fs::exists(folder + "/refused.sqlite.partial"));
}

std::string mpirun(int ranks, const std::string& file, const std::string& out) {
  return fmt::format("mpirun --allow-run-as-root --oversubscribe -n {} '{}' sweep '{}' --out '{}' --quiet", ranks,
                     PACELINE_BINARY, file, out);
}
int ended_with(const std::string& command) { return std::system(command.c_str()); }
#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;  // MPI itself loses memory
#else
constexpr bool sanitized = false;
#endif
bool has_mpi() {
  return !sanitized && fs::exists(fs::path(PACELINE_BINARY).parent_path() / "paceline_mpi.so") &&
         std::system(
             "command -v pgrep >/dev/null && mpirun --allow-run-as-root --oversubscribe -n 2 true >/dev/null 2>&1") ==
             0;
}

TEST_F(SweepStore, OfFourRanksIsTheSame) {
  if (!has_mpi()) GTEST_SKIP() << "needs mpirun and a build with Boost.MPI, without sanitizers";
  const std::string out = scratch_folder();
  ASSERT_EQ(ended_with(mpirun(4, file, out) + " >/dev/null 2>&1"), 0);
  expect_the_same(out);
}

TEST_F(SweepStore, OfRanksSaysWhatIsWrongOnce) {
  if (!has_mpi()) GTEST_SKIP() << "needs mpirun and a build with Boost.MPI, without sanitizers";
  const std::string said = scratch_folder() + "/said";
  const int status = ended_with(mpirun(3, "nowhere.json", scratch_folder()) + fmt::format(" >'{}' 2>&1", said));
  EXPECT_EQ(WEXITSTATUS(status), 3);
  const std::string text = read_text(said), message = "paceline: nowhere.json: no such file";
  ASSERT_NE(text.find(message), std::string::npos) << text;
  EXPECT_EQ(text.find(message), text.rfind(message)) << text;
}

TEST_F(SweepStore, GoesOnAfterARankIsKilled) {
  if (!has_mpi()) GTEST_SKIP() << "needs mpirun and a build with Boost.MPI, without sanitizers";
  const std::string long_file = sweep_file(100, 3000), out = scratch_folder(), alone = scratch_folder();
  const std::string number = scratch_folder() + "/number";
  std::future<int> killed = std::async(std::launch::async, [&] {
    return ended_with(fmt::format("{} >/dev/null 2>&1 & echo $! >'{}'; wait $!", mpirun(4, long_file, out), number));
  });
  while (!any(out, "state = 'done'") && killed.wait_for(10ms) == std::future_status::timeout) {}
  ended_with(fmt::format("kill -9 $(pgrep -P $(cat '{}') paceline | tail -n 1)", number));
  EXPECT_NE(killed.get(), 0);
  const std::int64_t before = count(out, "state = 'done'");
  EXPECT_GT(before, 0);
  EXPECT_LT(before, 200);
  ASSERT_EQ(ended_with(mpirun(4, long_file, out) + " >/dev/null 2>&1"), 0);
  ASSERT_EQ(sweep(long_file, alone).code, 0);
  EXPECT_EQ(dump(out), dump(alone));
}

TEST_F(SweepStore, SkipsWhatIsDone) {
  const std::string times = "SELECT hash, finished, wall_s, owner FROM runs ORDER BY hash",
                    before = dump(whole, {times});
  ASSERT_EQ(sweep(file, whole).code, 0);
  EXPECT_EQ(dump(whole, {times}), before);
}

TEST_F(SweepStore, RespectsClaimsOfLivingOwnersAlone) {
  const auto claimed_by = [&](const std::string& owner, const std::string& renewed,
                              const ProcessOptions& options = {}) {
    const std::string out = scratch_folder();
    fs::copy(whole, out, fs::copy_options::overwrite_existing | fs::copy_options::recursive);
    {
      Database database(out + "/sweep.sqlite", Database::Mode::create);
      database.execute("UPDATE runs SET state='running', owner='" + owner + "' WHERE position=0");
      for (const char* table : {"summary", "curve", "workers"})
        database.execute(fmt::format("DELETE FROM {} WHERE hash IN (SELECT hash FROM runs WHERE position=0)", table));
      database.execute("INSERT INTO owners VALUES('" + owner + "'," + renewed + ")");
    }
    const Finished ended = sweep(file, out, {}, options);
    return std::pair(ended.code, out);
  };
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  for (const auto& [owner, renewed] : std::vector<std::pair<std::string, std::string>>{
           {fmt::format("{}:999999999:1", host), "strftime('%s')+0"},
           {fmt::format("{}:{}:1", host, getpid()), "strftime('%s')+0"},  // its number was given away anew
           {"elsewhere:1:1", "strftime('%s')-100"}}) {
    const auto [code, out] = claimed_by(owner, renewed);
    EXPECT_EQ(code, 0) << owner;
    expect_the_same(out);
  }
  const auto [code, out] = claimed_by("elsewhere:1:1", "strftime('%s')+0", killed_after(1500ms, SIGINT));
  EXPECT_EQ(code, 130);
  EXPECT_EQ(count(out, "state = 'running' AND owner = 'elsewhere:1:1'"), 1);
}

TEST_F(SweepStore, ExamplesOfQueriesInTheReadmeRun) {
  const std::string readme = read_text(path_of("tools/README.md"));
  int queries = 0;
  for (auto at = readme.find("```sql\n"); at != std::string::npos; at = readme.find("```sql\n", at + 1)) {
    const auto begin = at + 7, end = readme.find("```", begin);
    std::istringstream text(readme.substr(begin, end - begin));
    for (std::string query; std::getline(text, query, ';');) {
      if (query.find("SELECT") == std::string::npos) continue;
      Database database(whole + "/sweep.sqlite", Database::Mode::read);
      Statement rows(database, query);
      EXPECT_TRUE(rows.step()) << query;
      ++queries;
    }
  }
  EXPECT_EQ(queries, 3);
}

TEST_F(SweepStore, OfAnotherKindIsLeftAsItIs) {
  const auto with = [&](const std::function<void(const std::string&)>& spoil, const std::string& part) {
    const std::string out = scratch_folder(), store = out + "/sweep.sqlite";
    fs::copy(whole, out, fs::copy_options::overwrite_existing | fs::copy_options::recursive);
    spoil(store);
    const std::string before = read_text(store);
    const Finished ended = sweep(file, out);
    EXPECT_EQ(ended.code, 3) << ended.err;
    EXPECT_NE(ended.err.find(part), std::string::npos) << ended.err;
    EXPECT_EQ(read_text(store), before);
  };
  with([](const std::string& store) { write_text(store, std::string(5000, 'x')); }, "is no SQLite file");
  with([](const std::string& store) { Database(store, Database::Mode::create).execute("PRAGMA user_version=2"); },
       "was written by a newer paceline: its schema is 2, this one knows 1");
  with(
      [](const std::string& store) {
        fs::remove(store);
        Database(store, Database::Mode::create).execute("CREATE TABLE runs(a)");
      },
      "no store of a sweep");
  with([](const std::string& store) { fs::resize_file(store, fs::file_size(store) / 2); }, "is corrupt");
}

// Files of at most 400 kB, as on a disk that is nearly full.
TEST_F(SweepStore, LosesNothingWhenTheDiskIsFull) {
  const std::string out = scratch_folder();
  const std::string command = fmt::format("bash -c 'ulimit -f 800; exec {} sweep {} --out {} --quiet' 2>{}/err",
                                          PACELINE_BINARY, file, out, out);
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_NE(read_text(out + "/err").find("full"), std::string::npos) << read_text(out + "/err");
  ASSERT_EQ(sweep(file, out).code, 0);
  expect_the_same(out);
}

TEST(Sweep, DoneTwiceWithOtherScenariosIsToldApart) {
  const std::string file = sweep_file(2, 5), out = scratch_folder();
  ASSERT_EQ(sweep(file, out).code, 0);
  ASSERT_EQ(sweep(file, out, {"--set", "training.stop.steps=6"}).code, 0);
  const Finished made = paceline({"compare", out, "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  std::set<int> steps;
  const Json compared = Json::parse(made.out);
  for (const Json& each : compared.at("configurations")) {
    EXPECT_EQ(each.at("n"), 2);
    steps.insert(each.at("axes").at("training.stop.steps").get<int>());
  }
  EXPECT_EQ(steps, (std::set<int>{5, 6}));
}

TEST(Sweep, InterruptedRunsWaitAgain) {
  const std::string file = sweep_file(4, 400'000), out = scratch_folder();
  const Finished ended =
      sweep(file, out, {"--jobs", "2"}, interrupted_when([&] { return any(out, "state = 'running'"); }));
  EXPECT_EQ(ended.code, 130);
  EXPECT_EQ(count(out, "state = 'running'"), 0);
  EXPECT_GT(count(out, "state = 'waiting' AND owner IS NULL"), 0);
  EXPECT_TRUE(fs::exists(out + "/sweep.csv"));
}

TEST(Sweep, FailedRunsAreRecordedAndDoNotStopTheRest) {
  const std::string file = sweep_file(3, 5, R"(, "cluster.workers": [4, 0])"), out = scratch_folder();
  const Finished ended = sweep(file, out);
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.err.find("/cluster/workers: must be at least 1"), std::string::npos) << ended.err;
  EXPECT_EQ(count(out, "state = 'done'"), 6);
  EXPECT_EQ(count(out, "state = 'failed' AND error LIKE '%/cluster/workers%'"), 6);
  EXPECT_EQ(sweep(file, out).code, 1);
  const std::string csv = read_text(out + "/sweep.csv");
  EXPECT_EQ(csv.substr(0, csv.find(",reason")), "workload.batch_size,cluster.workers,seed,state,error");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 13);
}

TEST(Sweep, WrongWordsAndFilesHaveTheirExitCodes) {
  const std::string file = sweep_file(2, 5), out = scratch_folder();
  EXPECT_EQ(sweep(file, out, {"--shard", "3/2"}).code, 2);
  EXPECT_EQ(sweep(file, out, {"--shard", "0/2"}).code, 2);
  EXPECT_EQ(sweep(file, out, {"--set", "workload.batch_size=3"}).code, 3);
  EXPECT_EQ(sweep("nowhere.json", out).code, 3);
  EXPECT_EQ(sweep(path_of("tests/data/scenarios/timing.json"), out).code, 3);
  EXPECT_EQ(sweep(sweep_file(2, 0), out).code, 3);  // all are wrong
  EXPECT_FALSE(fs::exists(out + "/sweep.sqlite"));
  const Finished nowhere = sweep(file, "/proc/sweep");
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_NE(nowhere.err.find("/proc/sweep: cannot be made"), std::string::npos) << nowhere.err;
  if (geteuid() == 0) return;  // may write everywhere
  fs::permissions(out, fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_EQ(sweep(file, out).code, 1);
  fs::permissions(out, fs::perms::owner_all);
}

// SQLite would take such a name, relative, for a URI.
TEST(Sweep, FoldersMayBeCalledAsUrisAre) {
  const std::string folder = scratch_folder(), file = sweep_file(2, 5);
  for (const char* out : {"file:one", "file:two?mode=memory"})
    EXPECT_EQ(paceline({"sweep", file, "--quiet", "--out", out}, {.folder = folder}).code, 0) << out;
  EXPECT_EQ(dump(folder + "/file:one"), dump(folder + "/file:two?mode=memory"));
  EXPECT_EQ(paceline({"compare", "file:one", "--json"}, {.folder = folder}).code, 0);
  EXPECT_EQ(paceline({"merge", "file:one", "file:two?mode=memory", "-o", "all.sqlite"}, {.folder = folder}).code, 0);
}

TEST(Sweep, DryRunsListTheRunsAndWriteNothing) {
  const std::string file = sweep_file(2, 5), out = scratch_folder() + "/none";
  const Finished listed = sweep(file, out, {"--dry-run", "--json"});
  ASSERT_EQ(listed.code, 0) << listed.err;
  const Json json = Json::parse(listed.out);
  ASSERT_EQ(json["runs"].size(), 4u);
  EXPECT_EQ(json["runs"][0]["events"], 8 * 5 * (1 + 14));
  EXPECT_EQ(json["measured"], false);
  EXPECT_FALSE(fs::exists(out));
  ASSERT_EQ(sweep(file, out).code, 0);
  const Json after = Json::parse(sweep(file, out, {"--dry-run", "--json"}).out);
  EXPECT_EQ(after["measured"], true);
  EXPECT_EQ(after["seconds_left"], 0);
  EXPECT_EQ(after["runs"][0]["state"], "done");
}

TEST(Sweep, IsKnownToValidateSchemaAndExplain) {
  const Finished right = paceline({"validate", path_of("scenarios/sweeps/first_sweep.json")});
  EXPECT_EQ(right.code, 0) << right.err;
  EXPECT_NE(right.out.find("33 runs"), std::string::npos) << right.out;
  EXPECT_TRUE(Json::parse(paceline({"schema", "sweep"}).out)["properties"].contains("axes"));
  EXPECT_NE(paceline({"explain", "sweep.where"}).out.find("conditions"), std::string::npos);
  EXPECT_EQ(paceline({"explain", "sweep.were"}).code, 2);
}

}  // namespace
}  // namespace paceline::test
