// The command line, through the program itself: exit codes, what goes to stdout and what to stderr, every verb.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>

#include "sim/experiment/schema.hpp"
#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::json;

const std::string scenario = path_of("tests/data/wrong/scenario.json");

std::vector<std::string> forever(const std::vector<std::string>& more = {}) {
  std::vector<std::string> words{
      "run",   scenario,           "--out", "out", "--timing-only", "--set", "training.stop={\"steps\": 1000000000}",
      "--set", "output.steps=true"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Cli, ARunThatReachesItsBoundEndsWithZero) {
  for (const char* bound : {R"({"steps": 3})", R"({"updates": 5})", R"({"epochs": 0.25})", R"({"time": "1s"})"})
    EXPECT_EQ(paceline({"run", scenario, "--out", "out", "--set", std::string("training.stop=") + bound}).code, 0)
        << bound;
}

TEST(Cli, ARunThatDivergesEndsWithZeroAndSaysSo) {
  const std::string folder = scratch_folder();
  const Finished finished = paceline({"run", scenario, "--out", "out", "--json", "--set",
                                      "training.optimizer.learning_rate=1e30", "--set", "training.stop.steps=200"},
                                     {.folder = folder});
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(Json::parse(finished.out)["outcome"]["reason"], "diverged");
}

// On a terminal of its own, which script(1) makes.
TEST(Cli, WatchIsALiveSummary) {
  const std::string folder = scratch_folder(), said = folder + "/said";
  const auto watched = [&](const std::string& words) {
    const std::string command = fmt::format("script -qec '{} {} --watch --out {}/out' /dev/null >'{}' 2>&1 </dev/null",
                                            PACELINE_BINARY, words, folder, said);
    EXPECT_EQ(std::system(command.c_str()), 0);
    return read_text(said);
  };
  const std::string run = watched("run " + path_of("scenarios/bsp.json"));
  EXPECT_NE(run.find(" x as fast as the cluster, "), std::string::npos) << run;
  EXPECT_NE(run.find("  accuracy   0."), std::string::npos) << run;
  EXPECT_NE(run.find("\x1b[3A\r\x1b[J"), std::string::npos) << run;  // four lines, taken back
  const std::string sweep = watched("sweep " + path_of("scenarios/sweeps/first_sweep.json") + " --jobs 1");
  EXPECT_NE(sweep.find(" runs/s"), std::string::npos) << sweep;
  EXPECT_NE(sweep.find("] "), std::string::npos) << sweep;
  EXPECT_TRUE(std::regex_search(sweep, std::regex("\\[#*\\.*\\] +[0-9]"))) << sweep;
  // A line is cut at the terminal's edge, and what comes after it is not.
  const auto cut = sweep.rfind("\x1b[?7l"), whole = sweep.rfind("\x1b[?7h");
  ASSERT_NE(cut, std::string::npos) << sweep;
  EXPECT_TRUE(whole != std::string::npos && whole > cut) << sweep;
}

TEST(Cli, WordsThatMakeNoSenseEndWithTwoAndSayWhatWasMeant) {
  const auto complaint = [](const std::vector<std::string>& words) {
    const Finished finished = paceline(words);
    EXPECT_EQ(finished.code, 2);
    EXPECT_EQ(finished.out, "");
    return finished.err;
  };
  const std::string verbs =
      "bench-collective, calibrate, compare, draw, explain, import-chakra, import-profile, import-topology, list, "
      "merge, report, run, "
      "schema, "
      "sweep, trace, validate, what-if";
  EXPECT_EQ(complaint({"rnu"}), "paceline: unknown verb \"rnu\"; did you mean \"run\"? There are: " + verbs + "\n");
  EXPECT_EQ(complaint({"simulate"}), "paceline: unknown verb \"simulate\"; there are: " + verbs + "\n");
  EXPECT_EQ(complaint({"run", scenario, "--thraeds", "3"}),
            "paceline: unknown: --thraeds 3; did you mean \"--threads\"?\n");
  EXPECT_EQ(complaint({"run", scenario, "--timing-onyl"}),
            "paceline: unknown: --timing-onyl; did you mean \"--timing-only\"?\n");
  EXPECT_EQ(complaint({"run", scenario, "--gpu"}), "paceline: unknown: --gpu\n");
  EXPECT_NE(complaint({"run"}).find("SCENARIO is required"), std::string::npos);
  EXPECT_NE(complaint({}).find("required"), std::string::npos);
  EXPECT_NE(complaint({"validate"}).find("FILE is required"), std::string::npos);
  EXPECT_NE(complaint({"run", scenario, "--set"}).find("--set"), std::string::npos);
  EXPECT_NE(complaint({"run", scenario, "--threads", "0"}).find("--threads"), std::string::npos);
  EXPECT_NE(complaint({"run", scenario, "--threads", "many"}).find("--threads"), std::string::npos);
  EXPECT_NE(complaint({"run", scenario, "--max-events", "-3"}).find("--max-events"), std::string::npos);
  EXPECT_EQ(complaint({"run", scenario, "--max-wall", "10"}),
            "paceline: --max-wall: \"10\" is not a duration with a unit, as in \"1h\"\n");
  EXPECT_EQ(complaint({"explain", "cluster.wrokers"}),
            "paceline: explain: there is no key or kind \"cluster.wrokers\"; did you mean \"workers\"?\n");
  EXPECT_TRUE(complaint({"list", "stratgies"})
                  .starts_with("paceline: list: there is nothing called \"stratgies\"; did you mean \"strategies\"? "
                               "There are: strategies, "));
  EXPECT_NE(complaint({"schema", "sceanrio"}).find("sceanrio"), std::string::npos);
  EXPECT_NE(complaint({"run", scenario, "another.json"}).find("another.json"), std::string::npos);
}

TEST(Cli, ALimitOfTheToolEndsWithFiveAndLeavesWhatThereIs) {
  for (const std::vector<std::string>& limit :
       {std::vector<std::string>{"--max-events", "5000"}, {"--max-wall", "100ms"}}) {
    const std::string folder = scratch_folder();
    const Finished finished = paceline(forever(limit), {.folder = folder});
    EXPECT_EQ(finished.code, 5) << finished.err;
    const Json results = Json::parse(read_text(folder + "/out/results.json"));
    EXPECT_EQ(results["outcome"]["reason"], "limit");
    EXPECT_FALSE(results["outcome"]["detail"].get<std::string>().empty());
    EXPECT_GT(results["summary"]["steps"], 0);
    EXPECT_TRUE(std::filesystem::exists(folder + "/out/steps.csv"));
  }
}

TEST(Cli, AnInterruptedRunEndsWith130AndLeavesWhatItHad) {
  const std::string folder = scratch_folder();
  const auto under_way = [&] {
    std::error_code none_yet;
    return std::filesystem::file_size(folder + "/out/steps.csv.partial", none_yet) > 1'000 && !none_yet;
  };
  const Finished finished = paceline(forever(), {.folder = folder, .environment = {}, .interrupt_when = under_way});
  EXPECT_EQ(finished.code, 130) << finished.err;
  const Json results = Json::parse(read_text(folder + "/out/results.json"));
  EXPECT_EQ(results["outcome"]["reason"], "interrupted");
  EXPECT_GT(results["summary"]["updates"], 0);
  for (const Json& check : results["checks"]) EXPECT_TRUE(check["holds"].get<bool>()) << check;
  const std::string steps = read_text(folder + "/out/steps.csv");
  EXPECT_EQ(std::int64_t(std::count(steps.begin(), steps.end(), '\n')) - 1,
            results["summary"]["updates"].get<std::int64_t>());
  EXPECT_FALSE(std::filesystem::exists(folder + "/out/steps.csv.partial"));
}

TEST(Cli, JsonIsExactlyOneDocumentOnStdout) {
  const std::string folder = scratch_folder();
  const Finished run = paceline({"run", scenario, "--out", "out", "--json"}, {.folder = folder});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.out, read_text(folder + "/out/results.json"));
  EXPECT_TRUE(Json::accept(run.out));
  const Json validated = Json::parse(paceline({"validate", scenario, "none.json", "--json"}).out);
  ASSERT_EQ(validated.size(), 2u);
  EXPECT_EQ(validated[0], (Json{{"file", scenario}, {"valid", true}, {"error", nullptr}, {"notes", Json::array()}}));
  EXPECT_EQ(
      validated[1],
      (Json{{"file", "none.json"}, {"valid", false}, {"error", "none.json: no such file"}, {"notes", Json::array()}}));
  const Json listed = Json::parse(paceline({"list", "--json"}).out);
  EXPECT_EQ(listed.size(), registries().size() + known_by_name().size());
  EXPECT_TRUE(listed["strategies"].contains("ssp"));
}

TEST(Cli, QuietPrintsNothing) {
  const Finished finished =
      paceline({"run", scenario, "--out", "out", "--quiet", "--set",
                "workload.cost={\"kind\": \"fixed\", \"forward\": \"1ms\", \"backward\": \"1ms\"}"});
  EXPECT_EQ(finished.code, 0);
  EXPECT_EQ(finished.out, "");
  EXPECT_EQ(finished.err, "");
}

TEST(Cli, TheSummaryGoesToStdoutAndNotesToStderr) {
  const Finished finished =
      paceline({"run", scenario, "--out", "out", "--set",
                "workload.cost={\"kind\": \"fixed\", \"forward\": \"1ms\", \"backward\": \"1ms\"}"});
  EXPECT_EQ(finished.err, "note: /workload/cost/update not given: updates take no time\n");
  EXPECT_TRUE(finished.out.starts_with("\nright   ended by steps: 4 steps\n")) << finished.out;
  EXPECT_TRUE(finished.out.ends_with("\n  run folder: out\n")) << finished.out;
}

TEST(Cli, WhatIsNotATerminalGetsNoColourWithAndWithoutNoColor) {
  for (const std::vector<std::string>& environment : {std::vector<std::string>{}, {"NO_COLOR=1"}, {"NO_COLOR="}}) {
    const Finished finished =
        paceline({"run", scenario, "--out", "out"}, {.folder = "", .environment = environment, .interrupt_when = {}});
    EXPECT_EQ(finished.code, 0);
    EXPECT_EQ((finished.out + finished.err).find('\x1b'), std::string::npos);
  }
}

TEST(Cli, TheNumberOfThreadsChangesNothing) {
  const std::string folder = scratch_folder();
  for (const char* threads : {"1", "3"})
    ASSERT_EQ(paceline({"run", scenario, "--out", threads, "--threads", threads, "--quiet"}, {.folder = folder}).code,
              0);
  EXPECT_EQ(read_text(folder + "/1/steps.csv"), read_text(folder + "/3/steps.csv"));
  EXPECT_EQ(read_text(folder + "/1/curve.csv"), read_text(folder + "/3/curve.csv"));
}

TEST(Cli, ListNamesEveryKindWithItsLine) {
  const std::string text = paceline({"list"}).out;
  for (const RegistryEntry& entry : registries()) {
    EXPECT_NE(text.find(entry.plural + "\n"), std::string::npos);
    for (std::size_t i = 0; i < entry.kinds->kinds().size(); ++i)
      EXPECT_NE(text.find(fmt::format("  {:<20} {}\n", entry.kinds->kinds()[i], entry.kinds->describe(i).about)),
                std::string::npos)
          << entry.kinds->kinds()[i];
  }
  EXPECT_EQ(paceline({"list", "strategy"}).out, paceline({"list", "strategies"}).out);
  EXPECT_EQ(paceline({"list", "topologies"}).out.find("strategies"), std::string::npos);
}

TEST(Cli, SchemaAndExplainPrintWhatTheLibraryTells) {
  EXPECT_EQ(paceline({"schema"}).out, scenario_schema());
  EXPECT_EQ(paceline({"schema", "scenario"}).out, scenario_schema());
  EXPECT_EQ(paceline({"schema", "topology"}).out, topology_schema());
  for (const char* key : {"", "cluster", "cluster.workers", "training.strategy.ssp", "ssp",
                          "training.strategy.bsp.aggregate.all_reduce.bucket"}) {
    std::string nearest;
    const Finished finished = key[0] ? paceline({"explain", key}) : paceline({"explain"});
    EXPECT_EQ(finished.code, 0) << key;
    EXPECT_EQ(finished.out, *explain(key, nearest)) << key;
  }
}

TEST(Cli, HelpAndVersionEndWithZero) {
  EXPECT_EQ(paceline({"--version"}).out, std::string("paceline ") + PACELINE_VERSION + "\n");
  for (const char* verb : {"run", "what-if", "validate", "list", "explain", "schema"}) {
    const Finished finished = paceline({verb, "--help"});
    EXPECT_EQ(finished.code, 0) << verb;
    EXPECT_NE(finished.out.find("--help"), std::string::npos) << verb;
  }
}

}  // namespace
}  // namespace paceline::test
