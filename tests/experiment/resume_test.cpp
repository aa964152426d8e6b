// A run that is interrupted anywhere and goes on from its checkpoint ends with the same files and parameters as one
// that is not, to the bit: every strategy, optimizer, compressor, with failures and with balance, on one thread and on
// two.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/compressors/compressor.hpp"
#include "tests/support/run.hpp"
#include "tests/support/strategies.hpp"

namespace paceline::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* blobs = "tests/data/scenarios/blobs.json";

struct Left {
  std::string steps, curve, workers, links;
  Json results;
  std::vector<float> parameters;
  std::uint64_t events = 0;
};

struct How {
  int threads = 1;
  std::uint64_t max_events = 0;
  bool resume = false;
  std::function<void(const Progress&)> poll{};
};

Left run_in(const std::string& folder, const Spec& spec, How how = {}) {
  Threads threads(how.threads);
  Experiment experiment(spec, threads);
  const Results results = experiment.run({.files = {.steps = folder + "/steps.csv"},
                                          .max_events = how.max_events,
                                          .poll = how.poll,
                                          .checkpoint = folder + "/checkpoint.bin",
                                          .resume = how.resume});
  write_results(results, folder);
  Left left{read_text(folder + "/steps.csv"),
            read_text(folder + "/curve.csv"),
            read_text(folder + "/workers.csv"),
            read_text(folder + "/links.csv"),
            Json::parse(read_text(folder + "/results.json")),
            {},
            results.performance.events};
  left.results.erase("performance");
  left.results.erase("host");
  if (const auto x = experiment.parameters()) left.parameters.assign(x->begin(), x->end());
  for (const Check& check : results.checks) EXPECT_TRUE(check.holds) << check.name << ": " << check.detail;
  return left;
}

void expect_same(const Left& resumed, const Left& whole, const std::string& what) {
  EXPECT_EQ(resumed.results, whole.results) << what;
  EXPECT_EQ(resumed.steps, whole.steps) << what;
  EXPECT_EQ(resumed.curve, whole.curve) << what;
  EXPECT_EQ(resumed.workers, whole.workers) << what;
  EXPECT_EQ(resumed.links, whole.links) << what;
  ASSERT_EQ(resumed.parameters.size(), whole.parameters.size()) << what;
  if (whole.parameters.empty()) return;
  EXPECT_EQ(std::memcmp(resumed.parameters.data(), whole.parameters.data(), 4 * whole.parameters.size()), 0) << what;
}

// Interrupted at some events, at a prime number of them and shortly before the end; then twice in one run.
void expect_resumes(const std::string& scenario, const std::vector<std::string>& assignments) {
  const Spec spec = parse(scenario, assignments);
  const std::string folder = scratch_folder();
  const std::string checkpoint = folder + "/checkpoint.bin";
  const Left whole = run_in(folder, spec);
  EXPECT_FALSE(fs::exists(checkpoint));
  for (const int threads : {1, 2})
    for (const std::uint64_t at : {whole.events / 7, whole.events / 2 + 3, whole.events - 12}) {
      const std::string what = fmt::format("{} threads, {} of {} events", threads, at, whole.events);
      const Left part = run_in(folder, spec, {.threads = threads, .max_events = at});
      ASSERT_EQ(part.results["outcome"]["reason"], "limit") << what;
      ASSERT_TRUE(fs::exists(checkpoint)) << what;
      expect_same(run_in(folder, spec, {.threads = 3 - threads, .resume = true}), whole, what);
      EXPECT_FALSE(fs::exists(checkpoint)) << what;
    }
  run_in(folder, spec, {.threads = 2, .max_events = whole.events / 3});
  run_in(folder, spec, {.threads = 2, .max_events = 2 * whole.events / 3, .resume = true});
  expect_same(run_in(folder, spec, {.threads = 2, .resume = true}), whole, "twice");
}

struct Case {
  StrategyCase strategy;
  int servers = 1;
};
void PrintTo(const Case& each, std::ostream* out) { *out << each.strategy.name << " " << each.servers; }
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const StrategyCase& each : all_strategies())
    for (const int servers : {1, 3})
      if (servers == 1 || each.servers) all.push_back({each, servers});
  return all;
}

class Resumed : public ::testing::TestWithParam<Case> {};

TEST_P(Resumed, IsTheRunThatWasNotInterrupted) {
  expect_resumes(blobs, {"training.strategy=" + GetParam().strategy.four, R"(cluster.jitter={"kind": "exponential"})",
                         fmt::format("cluster.servers.count={}", GetParam().servers), "training.optimizer.momentum=0"});
}

INSTANTIATE_TEST_SUITE_P(Strategies, Resumed, ::testing::ValuesIn(cases()), [](const auto& suite) {
  return suite.param.strategy.name + (suite.param.servers > 1 ? "_over_three_servers" : "");
});

const std::map<std::string, std::string> optimizer_keys{
    {"sgd", R"("momentum": 0.9, "nesterov": true, "weight_decay": 0.01)"}};

TEST(ResumedState, OfEveryOptimizer) {
  for (const std::string& kind : optimizers::all().kinds()) {
    const auto keys = optimizer_keys.find(kind);
    const std::string optimizer = fmt::format("training.optimizer={{\"kind\": \"{}\", \"learning_rate\": 0.01{}}}",
                                              kind, keys == optimizer_keys.end() ? "" : ", " + keys->second);
    for (const char* strategy : {R"({"kind": "bsp"})", R"({"kind": "async"})", R"({"kind": "local_sgd", "period": 4})"})
      expect_resumes(blobs, {optimizer, fmt::format("training.strategy={}", strategy)});
  }
}

const std::map<std::string, std::string> compressor_keys{{"top_k", R"("ratio": 0.05)"},
                                                         {"random_k", R"("ratio": 0.05)"},
                                                         {"dgc", R"("ratio": 0.05)"},
                                                         {"qsgd", R"("levels": 4)"},
                                                         {"power_sgd", R"("rank": 2)"}};

TEST(ResumedState, OfEveryCompressor) {
  for (const std::string& kind : compressors::all().kinds()) {
    const auto keys = compressor_keys.find(kind);
    const std::string compression = fmt::format("training.compression={{\"kind\": \"{}\"{}}}", kind,
                                                keys == compressor_keys.end() ? "" : ", " + keys->second);
    for (const char* strategy : {R"({"kind": "bsp"})", R"({"kind": "async"})"})
      expect_resumes(blobs, {compression, fmt::format("training.strategy={}", strategy)});
  }
}

TEST(ResumedState, OfShareOutsAndPartitions) {
  expect_resumes(blobs, {R"(workload.balance="dynamic")", "workload.batch_size=[4, 8, 8, 12]"});
  expect_resumes(blobs, {R"(workload.balance={"kind": "work_stealing", "micro_batch": 2, "overhead": "1us"})"});
  expect_resumes(
      blobs, {R"(workload.partition={"kind": "dirichlet", "alpha": 0.5})", R"(training.strategy={"kind": "async"})"});
}

TEST(ResumedState, OfRunsThatFailAndRollBack) {
  const std::string failures = R"(cluster.failures=[{"kind": "exponential", "mtbf": "30ms", "repair": "1ms"}])";
  const std::string recovery =
      R"(training.recovery={"detection": "100us", "restart": "100us", "checkpoint": {"interval": "3ms", "cost": "100us"}})";
  for (const char* strategy : {R"({"kind": "bsp"})", R"({"kind": "async"})", R"({"kind": "local_sgd", "period": 4})"})
    expect_resumes(blobs, {failures, recovery, fmt::format("training.strategy={}", strategy)});
  expect_resumes(blobs,
                 {failures, R"(training.recovery={"detection": "100us", "restart": "100us", "mode": "elastic"})"});
}

// In the first step of bsp messages carry values, which a collective adds up.
TEST(Resumed, AnywhereInTheFirstStepOfACollective) {
  const Spec spec = parse(blobs, {"training.stop.steps=3"});
  const std::string folder = scratch_folder();
  const Left whole = run_in(folder, spec);
  for (std::uint64_t at = 1; at < whole.events / 2; at += 5) {
    run_in(folder, spec, {.max_events = at});
    expect_same(run_in(folder, spec, {.resume = true}), whole, fmt::format("{} of {} events", at, whole.events));
  }
}

// Divergence and an accuracy that is reached are told by numbers.
TEST(Resumed, EndsWhereNumbersEndIt) {
  expect_resumes(blobs, {"training.optimizer.learning_rate=1e20", "training.stop={\"steps\": 400}"});
  expect_resumes(blobs, {"training.stop={\"accuracy\": 0.5, \"steps\": 400}", "training.evaluate.every.steps=1"});
}

// What is not computed again while events are run once more: all gradients before the checkpoint.
TEST(Resumed, TimingAloneIsRunOnceMore) { expect_resumes(blobs, {"numerics=false"}); }

TEST(Resumed, WritesCheckpointsByWallTimeThatHoldAfterACrash) {
  const Spec whole_spec = parse(blobs, {});
  Spec spec = whole_spec;
  spec.checkpoint_wall = 1e-9;  // at every poll
  const std::string folder = scratch_folder();
  const Left whole = run_in(folder, whole_spec);
  struct Crash {};
  int polls = 0;
  EXPECT_THROW(run_in(folder, spec,
                      {.threads = 2,
                       .poll =
                           [&](const Progress&) {
                             if (++polls == 40) throw Crash();
                           }}),
               Crash);
  ASSERT_TRUE(fs::exists(folder + "/checkpoint.bin"));
  expect_same(run_in(folder, whole_spec, {.threads = 2, .resume = true}), whole, "after a crash");
}

std::string refusal(const std::string& folder, const Spec& spec, How how = {.resume = true}) {
  try {
    run_in(folder, spec, how);
  } catch (const std::runtime_error& error) { return error.what(); }
  return "";
}

TEST(Resumed, IsRefusedWhereItWouldBeAnotherRun) {
  const Spec spec = parse(blobs, {});
  const std::string folder = scratch_folder(), file = folder + "/checkpoint.bin";
  run_in(folder, spec, {.max_events = 1000});
  const std::string whole = read_text(file);
  EXPECT_EQ(refusal(folder, parse(blobs, {"seed=6"})), file + ": is of another scenario");
  Spec other = parse(blobs, {"seed=6"});  // an honest name on other events
  other.hash = spec.hash;
  EXPECT_NE(refusal(folder, other).find("this run is another one by event"), std::string::npos);
  const auto write = [&](const std::string& text) { std::ofstream(file, std::ios::binary) << text; };
  write(whole.substr(0, whole.size() - 1));
  EXPECT_EQ(refusal(folder, spec), file + ": is no whole checkpoint");
  write(whole + "x");
  EXPECT_EQ(refusal(folder, spec), file + ": is no whole checkpoint");
  std::string older = whole;
  older[8 + 20] = '0';
  write(older);
  EXPECT_NE(refusal(folder, spec).find("written by another version"), std::string::npos);
  write(whole);
  EXPECT_THROW(run_in(folder, spec, {.max_events = 500, .resume = true}), LimitReached);
  EXPECT_EQ(read_text(file), whole);
}

}  // namespace
}  // namespace paceline::test
