// Devices fail: every strategy goes on, loses what it should, and nothing else.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "sim/strategies/recovery.hpp"
#include "sim/strategies/strategy.hpp"
#include "tests/support/run.hpp"
#include "tests/support/strategies.hpp"

namespace paceline::test {
namespace {

constexpr const char* blobs = "tests/data/scenarios/blobs.json";
const std::string often = R"(cluster.failures=[{"kind": "exponential", "mtbf": "9ms", "repair": "300us"}])";
const std::string back =
    R"(training.recovery={"detection": "100us", "restart": "400us", "checkpoint": {"interval": "2ms", "cost": "150us"}})";
const std::string elastic = R"(training.recovery={"mode": "elastic", "detection": "100us", "restart": "400us"})";

std::string strategy(const std::string& text) { return "training.strategy=" + text; }

Run sound(const std::vector<std::string>& sets, int threads = 1, const char* scenario = blobs) {
  Run made = run(scenario, sets, threads);
  for (const Check& check : made.results.checks) EXPECT_TRUE(check.holds) << check.name << ": " << check.detail;
  EXPECT_NE(made.results.reason, "deadlock") << made.results.detail;
  return made;
}

class Failing : public ::testing::TestWithParam<StrategyCase> {};

TEST_P(Failing, GoesOnToItsEnd) {
  const test::Run made = sound({strategy(GetParam().four), often, back});
  EXPECT_EQ(made.results.reason, "steps");
  EXPECT_GE(made.results.failures.failures, 3);
  EXPECT_GT(made.results.fractions[std::size_t(Activity::down)], 0);
  EXPECT_GT(made.results.failures.lost_batches, 0);
  EXPECT_LT(made.results.goodput, 1);
  EXPECT_GT(made.results.goodput, 0);
}

TEST_P(Failing, IsTheSameOnTwoThreadsAndWithoutNumerics) {
  const std::vector<std::string> sets{strategy(GetParam().four), often, back};
  const test::Run one = sound(sets, 1), two = sound(sets, 2);
  EXPECT_EQ(one.results.fingerprint, two.results.fingerprint);
  EXPECT_EQ(*one.parameters, *two.parameters);
  if (GetParam().follows_values) return;
  std::vector<std::string> timing = sets;
  timing.push_back("numerics=false");
  EXPECT_EQ(one.results.fingerprint, sound(timing).results.fingerprint);
}

// adacomm's period follows simulated time, which failures take.
bool goes_back(const StrategyCase& each) {
  const Spec spec = parse(blobs, {strategy(each.four)});
  return !spec.strategy.fails_alone && !each.follows_values && each.kind() != "switching";
}

TEST_P(Failing, GoesBackToTheVeryNumbers) {
  if (!goes_back(GetParam())) GTEST_SKIP() << "it loses a worker's work alone, or follows the clock";
  // Where nobody waits for all, the last batches before the end are a matter of time, unless all are alike.
  const std::string alike = R"(cluster.stragglers=[])", steady = R"(cluster.jitter={"kind": "constant"})";
  const test::Run plain = sound({strategy(GetParam().four), alike, steady});
  for (const char* blocking : {"true", "false"}) {
    const test::Run failing = sound({strategy(GetParam().four), alike, steady, often, back,
                                     fmt::format("training.recovery.checkpoint.blocking={}", blocking)});
    EXPECT_GE(failing.results.failures.rollbacks, 2);
    EXPECT_GE(failing.results.failures.checkpoints, 2);
    EXPECT_EQ(*failing.parameters, *plain.parameters);
    EXPECT_EQ(failing.results.samples, plain.results.samples);
    EXPECT_EQ(failing.results.updates, plain.results.updates);
    for (std::size_t w = 0; w < 4; ++w)
      EXPECT_EQ(failing.results.workers[w].samples, plain.results.workers[w].samples) << w;
    EXPECT_GT(failing.results.simulated_time_s, plain.results.simulated_time_s);
  }
}

INSTANTIATE_TEST_SUITE_P(Failures, Failing, ::testing::ValuesIn(all_strategies()),
                         [](const auto& each) { return each.param.name; });

// Residuals, momentum, random draws and a sharded optimizer are part of a checkpoint; so is the batch of a worker that
// everybody waits for at a server.
TEST(RollBack, RestoresWhatIsKeptBesideTheParameters) {
  const std::vector<std::vector<std::string>> all{
      {R"(training.compression={"kind": "top_k", "ratio": 0.1})"},
      {R"(training.compression={"kind": "dgc", "ratio": 0.05, "momentum": 0.5, "warmup_steps": 8})"},
      {R"(training.compression={"kind": "power_sgd", "rank": 2})"},
      {R"(training.compression={"kind": "qsgd", "levels": 4})"},
      {R"(training.optimizer={"kind": "adam", "learning_rate": 0.01})"},
      {R"(training.optimizer={"kind": "lamb", "learning_rate": 0.01, "clip": 0.5})"},
      {strategy(R"({"kind": "bsp", "sharding": "zero1"})")},
      {strategy(R"({"kind": "bsp", "sharding": "zero3"})")},
      {strategy(R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})")},
      {R"(cluster.network={"fidelity": "fused"})"},
      {R"(workload.balance={"kind": "static", "speeds": [1, 0.5, 1, 1]})"},
      {R"(workload.partition={"kind": "iid"})"},
  };
  for (const auto& sets : all) {
    SCOPED_TRACE(sets[0]);
    std::vector<std::string> failing = sets;
    failing.insert(failing.end(), {often, back});
    const test::Run broken = sound(failing);
    EXPECT_GE(broken.results.failures.failures, 2);
    EXPECT_EQ(*broken.parameters, *sound(sets).parameters);
  }
}

TEST(RollBack, ToTheStartWithoutCheckpoints) {
  const std::string never = R"(training.recovery={"detection": "100us", "restart": "400us"})";
  const std::string once =
      R"(cluster.failures=[{"kind": "replay", "events": [{"time": "12ms", "worker": 1, "repair": "0s"}]}])";
  const test::Run broken = sound({once, never});
  EXPECT_EQ(*broken.parameters, *sound({}).parameters);
  EXPECT_NEAR(broken.results.simulated_time_s, sound({}).results.simulated_time_s + 12e-3 + 500e-6, 1e-11);
}

// One worker, steps of 1 s, nothing else. A checkpoint of 0.5 s falls due 2 s after the one before: at steps 2, 4, ….
const std::string alone = R"({
  "numerics": false,
  "cluster": {"workers": 1, "topology": {"kind": "ideal"}},
  "workload": {"model": {"kind": "softmax_regression"}, "dataset": {"kind": "blobs"}, "batch_size": 1,
               "cost": {"kind": "fixed", "forward": "250ms", "backward": "750ms", "update": "0s"}},
  "training": {"strategy": {"kind": "bsp"}, "optimizer": {"kind": "sgd", "learning_rate": 0.1},
               "recovery": {"detection": "0.25s", "restart": "1s", "checkpoint": {"interval": "2s", "cost": "0.5s"}},
               "stop": {"steps": 6}}})";

std::string fails(const std::string& events) {
  return R"(cluster.failures=[{"kind": "replay", "events": [)" + events + "]}]";
}

TEST(RollBack, TakesTheTimeReckonedByHand) {
  const auto time = [](const std::vector<std::string>& sets) { return run(alone, sets).results.simulated_time_s; };
  // No failure: nothing is written.
  EXPECT_NEAR(time({}), 6, 1e-9);
  // Checkpoints at 2.0–2.5 and 4.5–5.0: 6 steps and 2 × 0.5 s. The failure comes after the end.
  EXPECT_NEAR(time({fails(R"({"time": "100s", "worker": 0, "repair": "0s"})")}), 7, 1e-9);
  // At 4.0, in step 4: back to step 2 at 5.25; 5.25–7.25 two steps, checkpoint to 7.75, two more.
  EXPECT_NEAR(time({fails(R"({"time": "4s", "worker": 0, "repair": "0s"})")}), 9.75, 1e-9);
  // The device works again 2 s later: restart from 6.0 to 7.0.
  EXPECT_NEAR(time({fails(R"({"time": "4s", "worker": 0, "repair": "2s"})")}), 11.5, 1e-9);
  // While a checkpoint is written, at 2.25: all of it is lost. Back at 3.5, 2 steps, checkpoint to 6.0, 8.0,
  // to 8.5, 10.5.
  EXPECT_NEAR(time({fails(R"({"time": "2.25s", "worker": 0, "repair": "0s"})")}), 10.5, 1e-9);
  // During the restart, at 5.0: it begins anew: 5.0 + 0.25 + 1 = 6.25, then 2 steps, 0.5, 2 steps.
  EXPECT_NEAR(
      time({fails(R"({"time": "4s", "worker": 0, "repair": "0s"}, {"time": "5s", "worker": 0, "repair": "0s"})")}),
      10.75, 1e-9);
  // Not blocking: taken at 2.0, complete at 2.5; the next falls due at 4.5, is taken at 5.0.
  const std::string beside = "training.recovery.checkpoint.blocking=false";
  EXPECT_NEAR(time({beside, fails(R"({"time": "100s", "worker": 0, "repair": "0s"})")}), 6, 1e-9);
  // Not complete at 2.25: back to the start at 3.5.
  EXPECT_NEAR(time({beside, fails(R"({"time": "2.25s", "worker": 0, "repair": "0s"})")}), 9.5, 1e-9);
  EXPECT_NEAR(time({beside, fails(R"({"time": "2.75s", "worker": 0, "repair": "0s"})")}), 4 + 4.0, 1e-9);
}

TEST(RollBack, SaysWhatWasLost) {
  const Results r = run(alone, {fails(R"({"time": "4s", "worker": 0, "repair": "0s"})")}).results;
  EXPECT_EQ(r.failures.failures, 1);
  EXPECT_EQ(r.failures.rollbacks, 1);
  EXPECT_EQ(r.failures.checkpoints, 2);
  EXPECT_EQ(r.failures.lost_batches, 2);  // step 2 was complete at 3.5; step 3 was not
  EXPECT_EQ(r.cancelled, 1);
  EXPECT_NEAR(to_seconds(r.failures.lost), 1.5, 1e-9);  // since 2.5
  EXPECT_NEAR(to_seconds(r.failures.checkpointing), 1, 1e-9);
  EXPECT_NEAR(r.workers[0].seconds[std::size_t(Activity::down)], 1 + 1.25, 1e-9);
  EXPECT_NEAR(r.goodput, 6 / 9.75, 1e-9);
}

// Expected time (Daly 2006): a segment of τ and a checkpoint δ takes M e^(R/M) (e^((τ+δ)/M) - 1) with failures every M
// on average, and restart R; the last one has no checkpoint. Ten seeds, four standard errors of their mean.
struct Expected {
  double mean = 0, error = 0;
};
Expected simulated(const std::string& interval, int steps, double mtbf, double cost, double restart) {
  std::vector<double> times;
  for (int seed = 1; seed <= 10; ++seed)
    times.push_back(
        run(alone, {fmt::format("seed={}", seed), fmt::format("training.stop.steps={}", steps),
                    fmt::format(R"(cluster.failures=[{{"kind": "exponential", "mtbf": "{}s", "repair": "0s"}}])", mtbf),
                    fmt::format(R"(training.recovery={{"detection": "0s", "restart": "{}s",
                                   "checkpoint": {{"interval": "{}", "cost": "{}s"}}}})",
                                restart, interval, cost)})
            .results.simulated_time_s);
  Expected made;
  for (double each : times) made.mean += each / 10;
  for (double each : times) made.error += std::pow(each - made.mean, 2) / 9 / 10;
  made.error = std::sqrt(made.error);
  return made;
}
double expected(double interval, int steps, double mtbf, double cost, double restart) {
  const auto segment = [&](double length) { return mtbf * std::exp(restart / mtbf) * (std::exp(length / mtbf) - 1); };
  const double segments = steps / interval;
  return (segments - 1) * segment(interval + cost) + segment(interval);
}

TEST(Checkpoints, TakeTheExpectedTime) {
  const Expected made = simulated("10s", 4000, 50, 1, 2);
  EXPECT_NEAR(made.mean, expected(10, 4000, 50, 1, 2), 4 * made.error);
  EXPECT_LT(made.error, 0.02 * made.mean);
}

TEST(Checkpoints, DalysIntervalIsTheClosedForm) {
  // Printed to the third digit, from a mean that is rounded to the second: τ/2M of 0.005 s is 5e-4 more.
  EXPECT_NEAR(daly_interval(10, 11'135.08), 465.270, 1e-3);
  EXPECT_NEAR(daly_interval(60, 11'135.08), 1116.292, 1e-3);
  EXPECT_NEAR(daly_interval(300, 11'135.08), 2388.642, 1e-3);
  EXPECT_EQ(daly_interval(20, 10), 10);
}

// M = 200 s, δ = 4 s: 40 (1 + 0.1/3 + 1/900) - 4 = 37.4 s by the formula; a checkpoint falls due between steps of 1 s.
// What is far from that loses more.
TEST(Checkpoints, TheBestIntervalIsDalys) {
  const double daly = daly_interval(4, 200);
  EXPECT_NEAR(daly, 40 * (1 + 0.1 / 3 + 1.0 / 900) - 4, 1e-9);
  const Expected best = simulated("daly", 7600, 200, 4, 2);
  EXPECT_NEAR(best.mean, expected(38, 7600, 200, 4, 2), 4 * best.error);
  const std::vector<int> others{10, 19, 76, 152};
  for (const int each : others) {
    const Expected other = simulated(fmt::format("{}s", each), 7600, 200, 4, 2);
    EXPECT_NEAR(other.mean, expected(each, 7600, 200, 4, 2), 4 * other.error) << each;
    EXPECT_GT(other.mean, best.mean) << each;
  }
}

// ---- elastic

// Worker 2 is away from the first instant to the end: steps are those of the batches of workers 0, 1 and 3, weighted by
// their sizes. Sums of up to 60 rows and 40 updates in float32: √(100 + 80) · 2⁻²⁴ = 8e-7 of a norm, and as much here.
TEST(Elastic, IsSerialSgdOnTheBatchesOfThoseWhoAreThere) {
  const std::vector<std::string> sets{fails(R"({"time": "0s", "worker": 2, "repair": "100s"})"), elastic,
                                      "workload.batch_size=[8, 24, 8, 16]",
                                      R"(training.optimizer={"kind": "sgd", "learning_rate": 0.05})"};
  const test::Run made = sound(sets);
  EXPECT_EQ(made.results.samples, 40 * 48);
  EXPECT_EQ(made.results.workers[2].samples, 0);

  const Spec spec = parse(blobs, sets);
  const DataShape shape = spec.dataset.shape();
  const auto model = spec.model.make(shape);
  const auto data = spec.dataset.load();
  Batches batches(shape.train_rows, spec.batch_sizes, true, spec.seed);
  const std::vector<float> initial = initial_parameters(*model, spec.seed);
  Values x(initial.begin(), initial.end()), g(x.size());
  Workspace workspace;
  for (std::int64_t k = 0; k < 40; ++k) {
    std::vector<std::uint32_t> rows;
    for (const int w : {0, 1, 3}) batches.append(w, k, rows);
    std::vector<double> losses(rows.size());
    model->gradient(x.data(), Rows{*data, Part::train, rows}, 1.0f / float(rows.size()), g.data(), losses.data(),
                    workspace);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= 0.05f * g[i];
  }
  double apart = 0, square = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    apart += std::pow(double(x[i]) - double((*made.parameters)[i]), 2);
    square += std::pow(double(x[i]), 2);
  }
  EXPECT_LE(std::sqrt(apart / square), 1.6e-6);
}

TEST(Elastic, WhoComesBackTakesPartAgain) {
  for (const char* kind :
       {R"({"kind": "bsp"})", R"({"kind": "local_sgd", "period": 4})", R"({"kind": "diloco", "period": 4})"}) {
    SCOPED_TRACE(kind);
    const test::Run made = sound({strategy(kind), elastic, fails(R"({"time": "5ms", "worker": 2, "repair": "6ms"})")});
    EXPECT_EQ(made.results.reason, "steps");
    EXPECT_EQ(made.results.failures.rollbacks, 1);
    const double away = made.results.workers[2].seconds[std::size_t(Activity::down)];
    EXPECT_GT(away, 6e-3);
    EXPECT_LT(made.results.workers[0].seconds[std::size_t(Activity::down)], away - 4e-3);
    EXPECT_LT(made.results.workers[2].samples, made.results.workers[0].samples);
    EXPECT_GT(made.results.workers[2].samples, made.results.workers[0].samples / 4);
  }
}

// A worker may fail when some of several servers have taken its gradient and others have not.
TEST(FailingAtServers, WhatOneHasTakenAllGet) {
  for (const char* shards : {"series", "parallel"})
    for (const char* kind :
         {R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})", R"({"kind": "ssp", "staleness": 0})",
          R"({"kind": "k_async", "k": 4})", R"({"kind": "async"})", R"({"kind": "k_sync", "k": 2})"})
      for (int at = 0; at < 12; ++at) {
        SCOPED_TRACE(fmt::format("{} {} {}", shards, kind, at));
        const std::string servers = fmt::format(
            R"(cluster.servers={{"count": 3, "shards": "{}", "service": "200us", "jitter": {{"kind": "exponential"}}}})",
            shards);
        const test::Run made =
            sound({strategy(kind), servers, back, "training.stop.steps=15",
                   fails(fmt::format(R"({{"time": "{}us", "worker": 1, "repair": "1ms"}})", 3000 + 130 * at))});
        EXPECT_EQ(made.results.reason, "steps");
      }
}

// When nobody is left who has them, the parameters are the first ones.
TEST(Elastic, BeginsAnewWhenAllHaveFailed) {
  const std::string both = R"(cluster.failures=[{"kind": "replay", "events": [
      {"time": "5ms", "worker": 0, "repair": "1ms"}, {"time": "5ms", "worker": 1, "repair": "1ms"},
      {"time": "5ms", "worker": 2, "repair": "1ms"}, {"time": "5ms", "worker": 3, "repair": "1ms"}]}])";
  const test::Run made = sound({elastic, both}), plain = sound({});
  EXPECT_GT(made.results.failures.lost_batches, 0);
  EXPECT_EQ(*made.parameters, *plain.parameters);
}

TEST(Elastic, HasNoUseForCheckpoints) {
  const std::string event = fails(R"({"time": "5ms", "worker": 2, "repair": "6ms"})");
  const test::Run plain = sound({elastic, event}), with = sound({back, event, "training.recovery.mode=elastic"});
  EXPECT_EQ(plain.results.fingerprint, with.results.fingerprint);
  EXPECT_EQ(with.results.failures.checkpoints, 0);
}

TEST(RollBack, GivesUpWhereDevicesFailFasterThanTheyRecover) {
  const Results r =
      run(alone, {R"(cluster.failures=[{"kind": "exponential", "mtbf": "100ms", "repair": "10ms"}])"}).results;
  EXPECT_EQ(r.reason, "limit");
  EXPECT_NE(r.detail.find("fail faster"), std::string::npos) << r.detail;
}

TEST(Elastic, WaitsWhenNobodyIsLeft) {
  const std::string all = R"(cluster.failures=[{"kind": "replay", "events": [
      {"time": "5ms", "worker": 0, "repair": "2ms"}, {"time": "5ms", "worker": 1, "repair": "3ms"},
      {"time": "5ms", "worker": 2, "repair": "2ms"}, {"time": "5ms", "worker": 3, "repair": "2ms"}]}])";
  EXPECT_EQ(sound({elastic, all}).results.reason, "steps");
}

// ---- what fails

TEST(FailureProcesses, ComeAsOftenAsTheyShould) {
  for (const char* law : {R"("kind": "exponential")", R"("kind": "weibull", "shape": 0.7)"}) {
    SCOPED_TRACE(law);
    const Results r = run(alone, {"cluster.workers=50", "training.stop.steps=400", "training.strategy.kind=async",
                                  fmt::format(R"(cluster.failures=[{{{}, "mtbf": "20s", "repair": "0s"}}])", law),
                                  R"(training.recovery={"detection": "0s", "restart": "0s"})"})
                          .results;
    const double mean = 50 * r.simulated_time_s / 20;
    // Weibull: the standard deviation over the mean is 1.4624 for k = 0.7; renewals begin fresh, which adds
    // (1.4624² - 1) / 2 = 0.57 failures of each worker.
    const bool weibull = std::string(law).find("weibull") != std::string::npos;
    EXPECT_NEAR(double(r.failures.failures), mean + (weibull ? 50 * 0.57 : 0),
                4 * (weibull ? 1.4624 : 1) * std::sqrt(mean));
  }
}

TEST(FailureProcesses, AHostTakesAllItsWorkersWithIt) {
  const Results r =
      run(blobs, {R"(cluster.topology={"kind": "star", "bandwidth": "1Gbps", "latency": "10us", "nodes": 3,
                      "hosts": {"accelerators": 2, "nics": 1, "fabric": {"kind": "nvswitch", "bandwidth": "300GBps", "latency": "1us"}}})",
                  R"(cluster.failures=[{"kind": "exponential", "of": "hosts", "mtbf": "5ms", "repair": "1ms"}])",
                  strategy(R"({"kind": "async"})"), back})
          .results;
  EXPECT_GT(r.failures.failures, 0);
  EXPECT_EQ(r.failures.failures % 2, 0);
  EXPECT_EQ(r.workers[0].seconds[std::size_t(Activity::down)], r.workers[1].seconds[std::size_t(Activity::down)]);
}

TEST(FailureProcesses, LinksFailAndTrafficWaits) {
  const std::vector<std::string> sets{
      R"(cluster.failures=[{"kind": "exponential", "of": "links", "links": "n0 -> switch", "mtbf": "2ms", "repair": "1ms"}])"};
  const test::Run made = sound(sets);
  EXPECT_GT(made.results.held, 0u);
  EXPECT_EQ(made.results.failures.failures, 0);  // of devices
  EXPECT_EQ(*made.parameters, *sound({}).parameters);
  EXPECT_GT(made.results.simulated_time_s, sound({}).results.simulated_time_s);
}

// One worker more changes nothing of another's failures.
TEST(FailureProcesses, HaveStreamsOfTheirOwn) {
  const auto first = [](const std::string& entries) {
    const test::Run made = run(alone, {"cluster.workers=3", "training.strategy.kind=async",
                                       R"(training.stop={"time": "60s"})", "cluster.failures=[" + entries + "]",
                                       "numerics=true", R"(training.recovery={"detection": "0s", "restart": "0s"})"});
    return made.results.workers[0].seconds[std::size_t(Activity::down)];
  };
  const std::string one = R"({"kind": "exponential", "workers": "0", "mtbf": "20s", "repair": "3s"})";
  EXPECT_EQ(first(one), first(one + R"(, {"kind": "exponential", "workers": "1-2", "mtbf": "5s", "repair": "1s"})"));
}

}  // namespace
}  // namespace paceline::test
