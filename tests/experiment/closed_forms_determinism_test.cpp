// The same scenario gives the same results, bit for bit: for any number of threads, again, without its numerics as far
// as events go, and next to other experiments in the same process.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

constexpr const char* blobs = "tests/data/scenarios/blobs.json";
constexpr const char* strategies[] = {R"({"kind": "bsp"})",
                                      R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})",
                                      R"({"kind": "async"})",
                                      R"({"kind": "async", "staleness_scaling": "delay_adaptive"})",
                                      R"({"kind": "ssp", "staleness": 1})",
                                      R"({"kind": "local_sgd", "period": 4, "warmup_steps": 3})"};

std::string with(const std::string& strategy) { return "training.strategy=" + strategy; }

// Without what depends on the machine.
std::string lasting(const Results& results) {
  auto json = nlohmann::json::parse(to_json(results));
  json.erase("performance");
  json.erase("host");
  return json.dump(1);
}

void expect_same(const Run& a, const Run& b) {
  EXPECT_EQ(lasting(a.results), lasting(b.results));
  EXPECT_EQ(*a.parameters, *b.parameters);
  EXPECT_EQ(a.rows, b.rows);
}

class Determinism : public ::testing::TestWithParam<const char*> {};

TEST_P(Determinism, ThreadsAndRepetitionChangeNothing) {
  const auto one = run(blobs, {with(GetParam())}, 1);
  for (int threads : {1, 2, 4}) {
    SCOPED_TRACE(threads);
    expect_same(one, run(blobs, {with(GetParam())}, threads));
  }
}

TEST_P(Determinism, ServersInSeveralShardsChangeNothingOfThat) {
  const std::vector<std::string> assignments{with(GetParam()), "cluster.servers.count=3",
                                             R"(cluster.servers.jitter={"kind": "exponential"})",
                                             "cluster.servers.service=20us"};
  expect_same(run(blobs, assignments, 1), run(blobs, assignments, 4));
}

TEST_P(Determinism, WithoutNumericsTheEventsAreTheSame) {
  const Results whole = run(blobs, {with(GetParam())}).results,
                timing = run(blobs, {with(GetParam()), "numerics=false"}).results;
  EXPECT_EQ(whole.fingerprint, timing.fingerprint);
  EXPECT_EQ(whole.simulated_time_s, timing.simulated_time_s);
  EXPECT_EQ(whole.performance.events, timing.performance.events);
  EXPECT_EQ(whole.staleness.histogram, timing.staleness.histogram);
  EXPECT_EQ(timing.performance.gradients, 0u);
  EXPECT_FALSE(timing.curve.back().test_loss.has_value());
}

TEST_P(Determinism, AnotherSeedIsAnotherRun) {
  EXPECT_NE(run(blobs, {with(GetParam())}).results.fingerprint,
            run(blobs, {with(GetParam()), "seed=6"}).results.fingerprint);
}

std::string name_of(const ::testing::TestParamInfo<const char*>& suite) {
  constexpr const char* names[] = {"bsp", "bsp_over_a_server", "async", "async_delay_adaptive",
                                   "ssp", "post_local_sgd"};
  return names[suite.index];
}
INSTANTIATE_TEST_SUITE_P(Strategies, Determinism, ::testing::ValuesIn(strategies), name_of);

// An mlp of 101,770 parameters on images: gradients of several blocks of rows.
TEST(DeterminismOnImages, ThreadsChangeNothing) {
  for (const char* strategy : {strategies[0], strategies[2], strategies[5]}) {
    SCOPED_TRACE(strategy);
    const std::vector<std::string> assignments{with(strategy), R"(workload.dataset={"kind": "fashion_mnist"})",
                                               "workload.model.hidden=[128]", "workload.batch_size=32",
                                               "training.stop.steps=6"};
    expect_same(run(blobs, assignments, 1), run(blobs, assignments, 3));
  }
}

TEST(Isolation, AnExperimentWithinAnotherDisturbsNeither) {
  const Spec async = parse(blobs, {with(strategies[2])}), ssp = parse(blobs, {with(strategies[4])});
  const auto alone = [](const Spec& spec) {
    Threads threads(1);
    return lasting(Experiment(spec, threads).run());
  };
  const std::string outer_alone = alone(async), inner_alone = alone(ssp);

  Threads threads(2);
  Experiment outer(async, threads), inner(ssp, threads);
  std::string inside;
  const std::string outside = lasting(outer.run({.files = {}, .max_events = 0, .poll = [&](const Progress&) {
                                                   if (inside.empty()) inside = lasting(inner.run());
                                                 }}));
  EXPECT_EQ(inside, inner_alone);
  EXPECT_EQ(outside, outer_alone);
}

TEST(Isolation, ExperimentsInThreadsOfOneProcessAreAsAlone) {
  std::vector<Spec> specs;
  for (const char* strategy : strategies) specs.push_back(parse(blobs, {with(strategy)}));
  const auto result = [](const Spec& spec) {
    Threads threads(2);
    return lasting(Experiment(spec, threads).run());
  };
  std::vector<std::string> alone, together(specs.size());
  for (const Spec& spec : specs) alone.push_back(result(spec));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < specs.size(); ++i) threads.emplace_back([&, i] { together[i] = result(specs[i]); });
  for (std::thread& each : threads) each.join();
  for (std::size_t i = 0; i < specs.size(); ++i) EXPECT_EQ(together[i], alone[i]) << strategies[i];
}

TEST(Isolation, AnExperimentThatNeverRanOrWasGivenUpLeavesNothingBehind) {
  const Spec spec = parse(blobs, {with(strategies[2])});
  Threads threads(1);
  const std::string before = lasting(Experiment(spec, threads).run());
  { Experiment idle(spec, threads); }
  {
    Experiment given_up(spec, threads);
    const Results cut = given_up.run({.files = {}, .max_events = 500, .poll = {}});
    EXPECT_EQ(cut.reason, "limit");
  }
  EXPECT_EQ(lasting(Experiment(spec, threads).run()), before);
}

}  // namespace
}  // namespace paceline::test
