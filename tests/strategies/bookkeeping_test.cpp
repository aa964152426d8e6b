// The books of every strategy, over the table of all: what was begun, applied, dropped, cancelled and sent adds up,
// runs are the same again, and by hand where it can be reckoned.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/support/run.hpp"
#include "tests/support/strategies.hpp"

namespace paceline::test {
namespace {

constexpr const char* blobs = "tests/data/scenarios/blobs.json";

using Made = test::Run;

// Without what depends on the machine.
std::string lasting(const Results& results) {
  auto json = nlohmann::json::parse(to_json(results));
  json.erase("performance");
  json.erase("host");
  return json.dump(1);
}

void expect_checks(const Results& results) {
  for (const Check& check : results.checks) EXPECT_TRUE(check.holds) << check.name << ": " << check.detail;
}

struct Booked {
  StrategyCase strategy;
  int servers = 1;
};
void PrintTo(const Booked& each, std::ostream* out) { *out << each.strategy.name << " " << each.servers; }

class Books : public ::testing::TestWithParam<Booked> {
 protected:
  static Made made(std::vector<std::string> more = {}, int threads = 1) {
    more.insert(more.begin(),
                {"training.strategy=" + GetParam().strategy.four, R"(cluster.jitter={"kind": "exponential"})",
                 fmt::format("cluster.servers.count={}", GetParam().servers), "training.optimizer.momentum=0"});
    return run(blobs, more, threads);
  }
};

TEST_P(Books, AddUp) {
  const Made whole = made();
  const Results& r = whole.results;
  expect_checks(r);
  EXPECT_EQ(r.reason, "steps");
  std::int64_t samples = 0;
  for (const WorkerResult& worker : r.workers) {
    samples += worker.samples;
    EXPECT_NEAR(std::accumulate(worker.seconds.begin(), worker.seconds.end(), 0.0), r.simulated_time_s, 1e-9);
  }
  EXPECT_EQ(samples, r.samples);
  if (GetParam().strategy.kind() != "switching") {  // whose phases end for no worker's sake
    EXPECT_EQ(r.critical_path.seconds[std::size_t(Activity::wait)], 0);
  }

  // A row per gradient that was decided on, of 8 samples or, accumulated, of 16.
  std::int64_t applied = 0, row_samples = 0;
  for (const std::uint64_t count : r.staleness.histogram) applied += std::int64_t(count);
  for (const auto& row : whole.rows) row_samples += std::stoll(row.at("samples"));
  EXPECT_EQ(std::int64_t(whole.rows.size()), applied + r.dropped + r.cancelled);
  EXPECT_EQ(row_samples, r.samples + 8 * (r.dropped + r.cancelled));
  EXPECT_EQ(applied * (GetParam().strategy.name == "bsp_accumulate" ? 16 : 8), r.samples);
}

TEST_P(Books, AreTheSameWithTwoThreads) {
  const Made one = made({}, 1), two = made({}, 2);
  EXPECT_EQ(lasting(one.results), lasting(two.results));
  EXPECT_EQ(one.rows, two.rows);
  EXPECT_EQ(*one.parameters, *two.parameters);
}

TEST_P(Books, AreTheSameWithoutNumerics) {
  const Results whole = made().results, timing = made({"numerics=false"}).results;
  expect_checks(timing);
  if (GetParam().strategy.follows_values) return;
  EXPECT_EQ(timing.fingerprint, whole.fingerprint);
  EXPECT_EQ(timing.performance.events, whole.performance.events);
  EXPECT_EQ(timing.simulated_time_s, whole.simulated_time_s);
  EXPECT_EQ(timing.staleness.histogram, whole.staleness.histogram);
  EXPECT_EQ(std::pair(timing.dropped, timing.cancelled), std::pair(whole.dropped, whole.cancelled));
  EXPECT_EQ(timing.bytes_on_wire, whole.bytes_on_wire);
}

// Cut off anywhere, also while servers are at work and answers on their way.
TEST_P(Books, AddUpWhereverTimeCutsThemOff) {
  for (const int microseconds : {1, 777, 3000, 6543}) {
    const Results r = made({fmt::format("training.stop={{\"time\": \"{}us\"}}", microseconds), "numerics=false",
                            "cluster.servers.service=50us", "workload.cost.update=100us"})
                          .results;
    expect_checks(r);
    EXPECT_DOUBLE_EQ(r.simulated_time_s, microseconds * 1e-6);
  }
}

std::vector<Booked> booked() {
  std::vector<Booked> all;
  for (const StrategyCase& each : all_strategies())
    for (const int servers : {1, 3})
      if (servers == 1 || each.servers) all.push_back({each, servers});
  return all;
}
INSTANTIATE_TEST_SUITE_P(Strategies, Books, ::testing::ValuesIn(booked()), [](const auto& suite) {
  return suite.param.strategy.name + (suite.param.servers > 1 ? "_over_three_servers" : "");
});

// Who is late has worked in vain, and nobody applies what is too old.
TEST(Lateness, IsBoundedAndCounted) {
  struct Case {
    const char* strategy;
    std::int64_t stalest;
    bool drops = false, cancels = false;
  };
  const Case cases[] = {
      {R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})", 0},
      {R"({"kind": "backup_workers", "backups": 1})", 0, true, false},
      {R"({"kind": "backup_workers", "backups": 1, "cancel": true})", 0, false, true},
      {R"({"kind": "k_sync", "k": 2})", 0, false, true},
      {R"({"kind": "k_batch_sync", "k": 6})", 0, false, true},
      {R"({"kind": "rennala", "batch": 3})", 0, true, false},
      {R"({"kind": "ringmaster", "delay_threshold": 3})", 2, true, false},
      {R"({"kind": "ringmaster", "delay_threshold": 3, "stops": true})", 2, false, true},
      {R"({"kind": "ssp", "staleness": 1})", 9},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.strategy);
    const Results r = run(blobs, {std::string("training.strategy=") + each.strategy, "training.stop.steps=200",
                                  R"(cluster.topology={"kind": "ideal"})", R"(cluster.jitter={"kind": "exponential"})",
                                  "workload.cost.update=0s"})
                          .results;
    EXPECT_LE(r.staleness.max, each.stalest);
    EXPECT_EQ(r.dropped > 0, each.drops);
    EXPECT_EQ(r.cancelled > 0, each.cancels);
  }
}

// Constant paces, in microseconds, on a network that costs nothing.
Made paced(const std::string& durations, const std::string& strategy, const std::string& stop) {
  const int workers = int(std::count(durations.begin(), durations.end(), ',')) + 1;
  const Made made = run(
      "tests/data/scenarios/timing.json",
      {fmt::format("cluster.workers={}", workers), "training.strategy=" + strategy, "training.stop=" + stop,
       fmt::format(
           R"(workload.cost={{"kind": "replay", "file": {{"unit": "us", "durations": [[{}]]}}, "repeat": true, "update": "0s"}})",
           durations)});
  expect_checks(made.results);
  return made;
}

std::vector<std::int64_t> starts(const Made& made, int worker) {
  std::vector<std::int64_t> all;
  for (const double start : made.of_worker(worker, "start_s")) all.push_back(std::llround(start * 1e6));
  return all;
}

// Workers 0 and 1 end a step every 11 us. Worker 2 comes at 25, 50, 75 and 100 us, too late each time, and begins anew.
TEST(ByHand, ALateWorkerOfBackupWorkersFinishesInVain) {
  const Made made = paced("10, 11, 25", R"({"kind": "backup_workers", "backups": 1})", R"({"updates": 10})");
  EXPECT_NEAR(made.results.simulated_time_s, 110e-6, 1e-12);
  EXPECT_EQ(made.results.samples, 20);
  EXPECT_EQ(made.results.dropped, 4);
  EXPECT_EQ(made.results.cancelled, 0);
  EXPECT_EQ(starts(made, 2), (std::vector<std::int64_t>{0, 25, 50, 75}));
  EXPECT_EQ(made.results.workers[2].samples, 0);
}

// With `cancel` the new parameters reach it every 11 us, and it begins anew.
TEST(ByHand, ALateWorkerOfBackupWorkersIsCancelled) {
  const Made made =
      paced("10, 11, 25", R"({"kind": "backup_workers", "backups": 1, "cancel": true})", R"({"updates": 10})");
  EXPECT_NEAR(made.results.simulated_time_s, 110e-6, 1e-12);
  EXPECT_EQ(made.results.samples, 20);
  EXPECT_EQ(made.results.dropped, 0);
  EXPECT_EQ(made.results.cancelled, 10);
  EXPECT_EQ(starts(made, 2), (std::vector<std::int64_t>{0, 11, 22, 33, 44, 55, 66, 77, 88, 99}));
}

// Worker 0 is through at 10 and 20 us, worker 1 at 15: the third batch ends the step. Cancelled is what worker 1 has
// begun at 15 us, and what worker 0 has begun at 20 us, the instant at which the new parameters are there.
TEST(ByHand, KBatchSyncGoesOnAtTheSameParameters) {
  const Made made = paced("10, 15", R"({"kind": "k_batch_sync", "k": 3})", R"({"updates": 3})");
  EXPECT_NEAR(made.results.simulated_time_s, 60e-6, 1e-12);
  EXPECT_EQ(made.results.samples, 9);
  EXPECT_EQ(made.results.cancelled, 6);
  EXPECT_EQ(starts(made, 0), (std::vector<std::int64_t>{0, 10, 20, 20, 30, 40, 40, 50, 60}));
  EXPECT_EQ(starts(made, 1), (std::vector<std::int64_t>{0, 15, 20, 35, 40, 55}));
  EXPECT_EQ(made.results.staleness.max, 0);
}

// Worker 0 updates every 10 us. Worker 1 needs 35: at every second update its delay reaches R = 2.
TEST(ByHand, RingmasterStopsWhoWillBeTooLate) {
  const Made made =
      paced("10, 35", R"({"kind": "ringmaster", "delay_threshold": 2, "stops": true})", R"({"updates": 6})");
  EXPECT_NEAR(made.results.simulated_time_s, 60e-6, 1e-12);
  EXPECT_EQ(starts(made, 1), (std::vector<std::int64_t>{0, 20, 40}));
  EXPECT_EQ(made.results.cancelled, 3);
  EXPECT_EQ(made.results.dropped, 0);
}

// Without stops it comes at 35, 70, … and is three or more updates late; with R = 4 the first one counts.
TEST(ByHand, RingmasterIgnoresWhoIsTooLate) {
  const Made two = paced("10, 35", R"({"kind": "ringmaster", "delay_threshold": 2})", R"({"time": "75us"})");
  EXPECT_EQ(two.results.dropped, 2);
  EXPECT_EQ(two.results.updates, 7);
  EXPECT_EQ(starts(two, 1), (std::vector<std::int64_t>{0, 35}));
  const Made four = paced("10, 35", R"({"kind": "ringmaster", "delay_threshold": 4})", R"({"time": "65us"})");
  EXPECT_EQ(four.results.dropped, 0);
  EXPECT_EQ(four.results.updates, 7);
  EXPECT_EQ(four.results.staleness.max, 3);
}

// S = 2. At 10 and 20 us worker 0 has two; at 15 worker 1's one counts: the step ends there. What worker 0 began at 10
// is late at 20, what it begins then is at the newest.
TEST(ByHand, RennalaDiscardsWhatIsOlder) {
  const Made made = paced("10, 15", R"({"kind": "rennala", "batch": 2})", R"({"time": "42us"})");
  // 10: w0, v0, 1st. 15: w1, v0, 2nd: v1. 20: w0, v0, late. 30: w0, v1, 1st, and w1, v1, 2nd: v2; worker 0 was answered
  // before that with v1. 40: w0, v1, late.
  EXPECT_EQ(made.results.updates, 2);
  EXPECT_EQ(made.results.samples, 4);
  EXPECT_EQ(made.results.dropped, 2);
}

struct Wire {
  const char *name, *strategy, *compression;
  std::function<double(double d)> bytes;  // of 10 steps of 4 workers, d entries
};
void PrintTo(const Wire& each, std::ostream* out) { *out << each.name; }
class Bytes : public ::testing::TestWithParam<Wire> {};

// A ring all-reduce of B bytes sends 2 (N - 1) B in all, an all-gather of b from each N (N - 1) b; through servers N
// gradients come and N answers of 4d go.
TEST_P(Bytes, OnTheWireAreThoseOfTheFormula) {
  const Made made =
      run(blobs, {std::string("training.strategy=") + GetParam().strategy,
                  std::string("training.compression=") + GetParam().compression, "training.stop.steps=10"});
  expect_checks(made.results);
  const double expected = GetParam().bytes(double(made.parameters->size()));
  EXPECT_NEAR(made.results.bytes_on_wire, expected, 1e-9 * expected);
}

constexpr const char* bsp = R"({"kind": "bsp"})";
constexpr const char* over_servers = R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})";
INSTANTIATE_TEST_SUITE_P(
    Compression, Bytes,
    ::testing::Values(Wire{"none", bsp, R"({"kind": "none"})", [](double d) { return 10 * 2 * 3 * 4 * d; }},
                      Wire{"summed_in_pieces", bsp, R"({"kind": "fp16"})", [](double d) { return 10 * 2 * 3 * 2 * d; }},
                      Wire{"summed_whole", bsp, R"({"kind": "random_k", "ratio": 0.1})",
                           [](double d) { return 10 * 2 * 3 * 4 * std::floor(0.1 * d); }},
                      Wire{"gathered_whole", bsp, R"({"kind": "top_k", "ratio": 0.1})",
                           [](double d) { return 10 * 4 * 3 * 8 * std::floor(0.1 * d); }},
                      Wire{"gathered_in_pieces", bsp,
                           R"({"kind": "qsgd", "levels": 4})",  // 9 values: 4 bits; 4 tensors
                           [](double d) { return 10 * 4 * 3 * (32 * 4 + 4 * d) / 8; }},
                      Wire{"to_a_server", over_servers, R"({"kind": "top_k", "ratio": 0.1})",
                           [](double d) { return 10 * 4 * (8 * std::floor(0.1 * d) + 4 * d); }},
                      Wire{"summed_to_a_server", over_servers, R"({"kind": "fp16"})",
                           [](double d) { return 10 * 4 * (2 * d + 4 * d); }}),
    [](const auto& suite) { return std::string(suite.param.name); });

TEST(Compression, GoesWithEveryStrategyThatSendsGradientsAndWithNoOther) {
  for (const StrategyCase& each : all_strategies()) {
    const std::string strategy = "training.strategy=" + each.four;
    const bool sends = parse(blobs, {strategy}).strategy.sends_gradients;
    for (const char* compression :
         {R"({"kind": "fp16"})", R"({"kind": "top_k", "ratio": 0.1})", R"({"kind": "qsgd", "levels": 4})",
          R"({"kind": "sign_majority"})", R"({"kind": "power_sgd", "rank": 2})",
          R"({"kind": "dgc", "ratio": 0.1, "momentum": 0.5, "warmup_steps": 4})"}) {
      SCOPED_TRACE(each.name + " " + compression);
      const std::vector<std::string> assignments{strategy, std::string("training.compression=") + compression,
                                                 "training.stop.steps=12", "training.optimizer.learning_rate=0.01"};
      if (!sends) {
        EXPECT_THROW(parse(blobs, assignments), ConfigError);
        continue;
      }
      const Made one = run(blobs, assignments, 1), two = run(blobs, assignments, 2);
      expect_checks(one.results);
      EXPECT_EQ(*one.parameters, *two.parameters);
      std::vector<std::string> timing = assignments;
      timing.emplace_back("numerics=false");
      EXPECT_EQ(run(blobs, timing).results.fingerprint, one.results.fingerprint);
    }
  }
}

std::string reason_of(const std::exception& failure) {
  try {
    std::rethrow_if_nested(failure);
  } catch (const std::exception& inner) { return reason_of(inner); }
  return failure.what();
}

// Where nothing takes time and only time would end the run, it says so.
TEST(NothingTakesTime, AndEveryStrategySaysSo) {
  for (const StrategyCase& each : all_strategies())
    for (const char* numerics : {"true", "false"}) {
      if (each.kind() == "execution_graph") continue;  // its graph takes time
      SCOPED_TRACE(each.name);
      Spec spec = parse(blobs, {"training.strategy=" + each.four, R"(cluster.topology={"kind": "ideal"})",
                                R"(workload.cost={"kind": "fixed", "forward": "0s", "backward": "0s", "update": "0s"})",
                                "training.stop={\"time\": \"1s\"}", std::string("numerics=") + numerics});
      spec.most_at_once = 1000;
      Threads threads(1);
      Experiment experiment(spec, threads);
      try {
        experiment.run();
        ADD_FAILURE() << "it ended";
      } catch (const ProcessFailed& failure) {
        EXPECT_THAT(reason_of(failure), ::testing::HasSubstr("1000 batches took no simulated time"));
      }
    }
}

// The same steps as without a factor at a rate of that factor; rates are powers of two, so that products are exact.
TEST(Switching, ScalesTheRateByPhase) {
  for (const char* strategy :
       {R"({"kind": "bsp"})", R"({"kind": "async"})", R"({"kind": "local_sgd", "period": 4})",
        R"({"kind": "k_sync", "k": 3})", R"({"kind": "easgd", "period": 2, "rho": 2})",
        R"({"kind": "fedbuff", "buffer": 2})", R"({"kind": "dc_asgd", "lambda": 0.04})", R"({"kind": "push_sum"})"}) {
    SCOPED_TRACE(strategy);
    const auto at = [&](const std::string& rate, const std::string& scale) {
      return run(
          blobs,
          {"training.optimizer.learning_rate=" + rate,
           fmt::format(
               R"(training.strategy={{"kind": "switching", "phases": [{{"strategy": {}, "learning_rate_scale": {}}}]}})",
               strategy, scale)});
    };
    EXPECT_EQ(*at("0.0625", "0.5").parameters, *at("0.03125", "1").parameters);
    EXPECT_NE(*at("0.0625", "0.5").parameters, *at("0.0625", "1").parameters);
  }
}

}  // namespace
}  // namespace paceline::test
