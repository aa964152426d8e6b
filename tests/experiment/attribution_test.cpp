// Who waited for whom, the critical path, and imbalance: cases by hand, and over random ones a second reckoning from
// the rows of steps.csv.
#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "sim/core/random.hpp"
#include "sim/experiment/imbalance.hpp"
#include "sim/strategies/path.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

constexpr double tick = 1e-12;
const std::string slow_two = R"(cluster.stragglers=[{"kind": "slow", "workers": "2", "factor": 3}])";
const std::string servers = R"(training.strategy={"kind": "bsp", "aggregate": {"kind": "parameter_server"}})";
const std::string in_step =
    R"(training.strategy={"kind": "bsp", "aggregate": {"kind": "all_reduce", "overlap": false}})";
const std::string star = R"(cluster.topology={"kind": "star", "bandwidth": "1GBps", "latency": "5us"})";

// 3 ms of compute a step on four workers over a network that costs nothing, unless said otherwise.
Results timed(std::vector<std::string> assignments) {
  const Results r = run("tests/data/scenarios/timing.json", assignments).results;
  for (const Check& check : r.checks) EXPECT_TRUE(check.holds) << check.name << ": " << check.detail;
  return r;
}

double waited(const Results& r, int worker, int on) {
  for (const WaitResult& wait : r.waits)
    if (wait.worker == worker && wait.on == on) return wait.seconds;
  return 0;
}
double wait_of(const Results& r, int worker) {
  return r.workers[std::size_t(worker)].seconds[std::size_t(Activity::wait)];
}
// All wait is charged to that worker.
void expect_all_charged_to(const Results& r, int slow) {
  double sum = 0;
  for (const WaitResult& wait : r.waits) EXPECT_EQ(wait.on, slow) << "by " << wait.worker;
  for (const WorkerResult& worker : r.workers) {
    EXPECT_EQ(waited(r, worker.worker, slow), wait_of(r, worker.worker)) << "worker " << worker.worker;
    sum += wait_of(r, worker.worker);
  }
  EXPECT_GT(sum, 0);
  for (const WorkerResult& worker : r.workers)
    EXPECT_NEAR(worker.blamed_s, worker.worker == slow ? sum : 0, 1e-15) << "worker " << worker.worker;
}

// 6 ms in each of four steps.
TEST(Waits, AtABarrierAreForTheSlowWorker) {
  for (const std::string& strategy : {in_step, servers, std::string(R"(training.strategy={"kind": "bsp"})"),
                                      std::string(R"(training.strategy={"kind": "local_sgd", "period": 1})"),
                                      std::string(R"(training.strategy={"kind": "k_sync", "k": 4})")}) {
    SCOPED_TRACE(strategy);
    const Results r = timed({slow_two, strategy, "training.stop.steps=4"});
    expect_all_charged_to(r, 2);
    for (int w : {0, 1, 3}) EXPECT_NEAR(waited(r, w, 2), 24e-3, 1e-15) << "worker " << w;
  }
}

// Who leaves the last one early has nothing to do until the run ends, which is no wait of a step.
TEST(Waits, InCollectivesThatTakeTimeAreForTheLastMemberToo) {
  for (const char* algorithm : {"ring", "tree", "halving_doubling"})
    for (const char* overlap : {"false", "true"}) {
      SCOPED_TRACE(std::string(algorithm) + overlap);
      const auto made = run(
          "tests/data/scenarios/timing.json",
          {star, slow_two, "workload.cost.gradient=4MB", "training.stop.steps=5",
           fmt::format(
               R"(training.strategy={{"kind": "bsp", "aggregate": {{"kind": "all_reduce", "bucket": "4MB", "algorithm": "{}", "overlap": {}}}}})",
               algorithm, overlap)});
      for (int w = 0; w < 4; ++w) {
        const std::vector<double> waits = made.of_worker(w, "wait_s");
        EXPECT_NEAR(waited(made.results, w, 2), std::accumulate(waits.begin(), waits.end(), 0.0), 1e-15) << w;
        EXPECT_GE(waited(made.results, w, 2), w == 2 ? 0 : 5 * 5e-3) << w;
      }
      EXPECT_EQ(made.results.waits.size(), 3u);
    }
}

// Worker 2 updates at 9, 18 and 27 ms. The others update at 3 and 6 and are held until 9, update at 12 and are held
// until 18, update at 21 and are held until 27.
TEST(Waits, OfSspAreForTheSlowWorkerWhoseUpdateReleasesThem) {
  const Results r =
      timed({slow_two, R"(training.strategy={"kind": "ssp", "staleness": 1})", R"(training.stop={"updates": 15})"});
  EXPECT_NEAR(r.simulated_time_s, 27e-3, tick);
  expect_all_charged_to(r, 2);
  for (int w : {0, 1, 3}) EXPECT_NEAR(waited(r, w, 2), 15e-3, tick) << "worker " << w;
}

// On a ring of three all are neighbours of worker 2, which sends the message of its step k at 9 k ms. The others begin
// step 1 at 3 ms, have done with it at 6 and wait until 9; from then on they have done 3 ms after its message and wait
// 6 ms for the next one.
TEST(Waits, OfGossipAreForTheNeighbourThatHasNotSent) {
  const Results r = timed(
      {slow_two, "cluster.workers=3", R"(training.strategy={"kind": "gossip"})", "training.stop={\"time\": \"36ms\"}"});
  expect_all_charged_to(r, 2);
  for (int w : {0, 1}) EXPECT_NEAR(waited(r, w, 2), 3e-3 + 3 * 6e-3, tick) << "worker " << w;
}

// On a ring of four worker 0 is no neighbour of worker 2: it waits for those that wait for it.
TEST(Waits, OfGossipReachWhoIsFurtherAwayThroughNeighbours) {
  const Results r = timed({slow_two, R"(training.strategy={"kind": "gossip"})", "training.stop={\"time\": \"45ms\"}"});
  EXPECT_EQ(waited(r, 0, 2), 0);
  EXPECT_GT(waited(r, 0, 1) + waited(r, 0, 3), 0);
  for (int w : {1, 3}) EXPECT_EQ(waited(r, w, 2), wait_of(r, w)) << "worker " << w;
}

// A run that ends while three wait for the fourth.
TEST(Waits, ForTheOnlyOneThatIsMissingAreChargedBeforeItComes) {
  const Results r = timed({slow_two, in_step, "training.stop={\"time\": \"5ms\"}"});
  expect_all_charged_to(r, 2);
  for (int w : {0, 1, 3}) EXPECT_NEAR(waited(r, w, 2), 2e-3, tick) << "worker " << w;
}

// Nothing but checkpoints makes anybody wait. When one is due, at 5 ms, the others are in their second step, so all
// meet before their third one: the others at 6 ms, worker 2 at 18. It is written for 1 ms; the next one is due at 24,
// when the others are in their fourth step: they meet at 25 and 37 ms.
TEST(Waits, ForACheckpointAreForTheLastToCome) {
  const Results r = timed(
      {slow_two, R"(training.strategy={"kind": "local_sgd", "period": 1000})", "training.stop={\"time\": \"40ms\"}",
       R"(cluster.failures=[{"kind": "replay", "events": [{"time": "1s", "worker": 0, "repair": "1s"}]}])",
       R"(training.recovery={"detection": "1s", "restart": "1s", "checkpoint": {"interval": "5ms", "cost": "1ms"}})"});
  expect_all_charged_to(r, 2);
  for (int w : {0, 1, 3}) EXPECT_NEAR(waited(r, w, 2), 24e-3, tick) << "worker " << w;
}

struct Share {
  double compute, communication, queue;
  std::vector<double> of;           // compute by worker
  std::vector<std::int64_t> steps;  // by worker
};
void expect_path(const Results& r, const Share& share, double tolerance = 1e-15) {
  const auto& seconds = r.critical_path.seconds;
  EXPECT_NEAR(seconds[std::size_t(Activity::compute)], share.compute, tolerance);
  EXPECT_NEAR(seconds[std::size_t(Activity::communication)], share.communication, tolerance);
  EXPECT_NEAR(seconds[std::size_t(Activity::queue)], share.queue, tolerance);
  EXPECT_EQ(seconds[std::size_t(Activity::wait)], 0);
  EXPECT_NEAR(std::accumulate(seconds.begin(), seconds.end(), 0.0), r.simulated_time_s, tolerance);
  std::vector<double> of(r.workers.size());
  std::vector<std::int64_t> steps(r.workers.size());
  for (const CriticalPath::Share& each : r.critical_path.workers) {
    of[std::size_t(each.worker)] = each.compute_s.value();
    steps[std::size_t(each.worker)] = each.steps;
  }
  ASSERT_EQ(of.size(), share.of.size());
  for (std::size_t w = 0; w < of.size(); ++w) EXPECT_NEAR(of[w], share.of[w], tolerance) << "worker " << w;
  EXPECT_EQ(steps, share.steps);
}

TEST(CriticalPath, OfOneSlowWorkerIsItsCompute) {
  for (const std::string& strategy : {in_step, servers}) {
    SCOPED_TRACE(strategy);
    expect_path(timed({slow_two, strategy, "training.stop.steps=4"}), {36e-3, 0, 0, {0, 0, 36e-3, 0}, {0, 0, 4, 0}});
  }
}

TEST(CriticalPath, GoesThroughWhoeverIsSlowInEachStep) {
  for (const std::string& strategy : {in_step, servers}) {
    SCOPED_TRACE(strategy);
    expect_path(timed({"cluster.workers=2", strategy, "training.stop.steps=4",
                       R"(workload.cost={"kind": "replay", "gradient": "4B", "file": {"unit": "s", "durations":
                          [[0.001, 0.003], [0.005, 0.002], [0.002, 0.004], [0.007, 0.006]]}})"}),
                {19e-3, 0, 0, {12e-3, 7e-3}, {2, 2}});
  }
}

// Worker 2 is never blocked, and the last to take each step.
TEST(CriticalPath, OfGossipComesFromTheSlowWorkerOverItsNeighbours) {
  const Results r = timed({slow_two, R"(training.strategy={"kind": "gossip"})", "training.stop={\"updates\": 5}"});
  expect_path(r, {45e-3, 0, 0, {0, 0, 45e-3, 0}, {0, 0, 5, 0}});
}

// A ring among two takes T = 2 (S/2 / B + 2 l) a bucket: 1.02 ms for 1 MB. Backward is 2 ms and yields a bucket each
// 0.5 ms: from the first one on, at 1.5 ms, the buckets follow each other. What is computed after that bounds nothing.
TEST(CriticalPath, OfOverlappedBucketsIsComputeUpToTheFirstThatKeepsTheLaneBusy) {
  const std::string overlapped =
      R"(training.strategy={"kind": "bsp", "aggregate": {"kind": "all_reduce", "bucket": "1MB", "overlap": true}})";
  const Results bound = timed({star, "cluster.workers=2", "workload.cost.gradient=4MB", overlapped});
  const auto& seconds = bound.critical_path.seconds;
  EXPECT_NEAR(seconds[std::size_t(Activity::compute)], 1.5e-3, tick);
  EXPECT_NEAR(seconds[std::size_t(Activity::communication)], 4 * 1.02e-3, 16 * tick);

  // The network is ten times as fast: each bucket is through before the next is ready, all but the last is hidden.
  const Results hidden = timed({R"(cluster.topology={"kind": "star", "bandwidth": "10GBps", "latency": "5us"})",
                                "cluster.workers=2", "workload.cost.gradient=4MB", overlapped});
  EXPECT_NEAR(hidden.critical_path.seconds[std::size_t(Activity::compute)], 3e-3, tick);
  EXPECT_NEAR(hidden.critical_path.seconds[std::size_t(Activity::communication)], 0.12e-3, 4 * tick);
}

// 9 ms until the last joins, the rest moves bytes.
TEST(CriticalPath, OfARingIsTheLastMembersComputeAndCommunicationAfter) {
  const Results r = timed({star, slow_two, in_step, "workload.cost.gradient=4MB"});
  expect_path(r, {9e-3, r.simulated_time_s - 9e-3, 0, {0, 0, 9e-3, 0}, {0, 0, 1, 0}});
}

// Four requests at 3 ms, each served for 1 ms: the first one's compute, then the server.
TEST(CriticalPath, OfABusyServerIsItsQueue) {
  const std::string service = R"(cluster.servers={"service": "1ms"})";
  expect_path(timed({service, servers}), {3e-3, 0, 4e-3, {3e-3, 0, 0, 0}, {1, 0, 0, 0}});
  // Three are served when the fourth comes, at 9 ms; the server's own update takes 2 ms.
  expect_path(timed({service, servers, slow_two, "workload.cost.update=2ms"}),
              {9e-3, 0, 3e-3, {0, 0, 9e-3, 0}, {0, 0, 1, 0}});
}

// One worker: compute and service in turn. Two with a service of 5 ms: from 3 ms on the server never rests.
TEST(CriticalPath, OfAsynchronousTrainingFollowsTheServerWhileItIsBusy) {
  const std::string async = R"(training.strategy={"kind": "async"})", stop = R"(training.stop={"updates": 6})";
  expect_path(timed({async, stop, "cluster.workers=1", R"(cluster.servers={"service": "1ms"})"}),
              {18e-3, 0, 6e-3, {18e-3}, {6}});
  expect_path(timed({async, stop, "cluster.workers=2", R"(cluster.servers={"service": "5ms"})"}),
              {3e-3, 0, 30e-3, {3e-3, 0}, {6, 0}});
}

// There and back 1 ms of bytes and 10 us; two servers one after the other, half the bytes each.
TEST(CriticalPath, OfServersThatAreFarAwayHasTheWayThereAndBack) {
  const std::string stop = R"(training.stop={"updates": 3})", async = R"(training.strategy={"kind": "async"})";
  const double way = 1e-3 + 10e-6;
  expect_path(timed({star, async, stop, "cluster.workers=1", "workload.cost.gradient=1MB"}),
              {9e-3, 5 * way, 0, {9e-3}, {3}}, 10 * tick);
  const double half = 0.5e-3 + 10e-6;
  expect_path(timed({star, async, stop, "cluster.workers=1", "workload.cost.gradient=1MB",
                     R"(cluster.servers={"count": 2, "shards": "series", "service": "1ms"})"}),
              {9e-3, 11 * half, 6e-3, {9e-3}, {3}}, 20 * tick);
}

struct Rows {
  std::vector<std::vector<double>> compute;  // by step, by worker
};
Rows rows_of(const Run& made) {
  Rows rows;
  for (std::size_t w = 0; w < made.results.workers.size(); ++w) {
    const std::vector<double> own = made.of_worker(int(w), "compute_s");
    rows.compute.resize(std::max(rows.compute.size(), own.size()));
    for (std::size_t k = 0; k < own.size(); ++k) rows.compute[k].push_back(own[k]);
  }
  return rows;
}

// With a barrier every step, the slowest of a step is who all others wait for, and whose compute is on the path.
TEST(Attribution, OfRandomStepsIsWhatTheirRowsSay) {
  const auto made =
      run("tests/data/scenarios/timing.json",
          {"cluster.workers=6", R"(cluster.jitter={"kind": "exponential"})", in_step, "training.stop.steps=200"});
  const Results& r = made.results;
  const Rows rows = rows_of(made);
  ASSERT_EQ(rows.compute.size(), 200u);
  std::array<std::array<double, 6>, 6> waits{};
  std::array<double, 6> path{};
  std::array<std::int64_t, 6> steps{};
  std::vector<double> over;
  for (const auto& step : rows.compute) {
    const auto slowest = std::size_t(std::max_element(step.begin(), step.end()) - step.begin());
    path[slowest] += step[slowest];
    ++steps[slowest];
    for (std::size_t w = 0; w < 6; ++w) waits[w][slowest] += step[slowest] - step[w];
    over.push_back(step[slowest] / (std::accumulate(step.begin(), step.end(), 0.0) / 6) - 1);
  }
  constexpr double rounding = 200 * 1e-15;  // of a sum of so many numbers below a second
  for (int w = 0; w < 6; ++w)
    for (int on = 0; on < 6; ++on)
      EXPECT_NEAR(waited(r, w, on), waits[std::size_t(w)][std::size_t(on)], rounding) << w << " for " << on;
  ASSERT_EQ(r.critical_path.workers.size(), 6u);
  for (std::size_t w = 0; w < 6; ++w) {
    EXPECT_NEAR(r.critical_path.workers[w].compute_s.value(), path[w], rounding) << w;
    EXPECT_EQ(r.critical_path.workers[w].steps, steps[w]) << w;
  }
  std::sort(over.begin(), over.end());
  const StepImbalance& step = r.imbalance.per_step;
  EXPECT_EQ(step.steps, 200);
  EXPECT_NEAR(step.mean, std::accumulate(over.begin(), over.end(), 0.0) / 200, 1e-12);
  EXPECT_NEAR(step.largest, over.back(), 1e-12);
  EXPECT_NEAR(step.p50, over[99], 1.001e-3 * (1 + over[99]));
  EXPECT_NEAR(step.p95, over[189], 1.001e-3 * (1 + over[189]));
}

// 3, 3, 9 and 3 ms: mean 4.5, standard deviation √6.75; three wait 6 of 9 ms.
TEST(ImbalanceFigures, OfOneSlowWorkerAreThoseByHand) {
  const Imbalance all = timed({slow_two, in_step, "training.stop.steps=7"}).imbalance;
  EXPECT_NEAR(all.max_over_mean, 1, 1e-12);
  EXPECT_NEAR(all.coefficient_of_variation, std::sqrt(6.75) / 4.5, 1e-12);
  EXPECT_NEAR(all.wait_share, 0.5, 1e-12);
  EXPECT_EQ(all.per_step.steps, 7);
  for (const double each : {all.per_step.mean, all.per_step.p50, all.per_step.p95, all.per_step.largest})
    EXPECT_NEAR(each, 1, 1e-12);
  EXPECT_NEAR(all.per_step.coefficient_of_variation, std::sqrt(6.75) / 4.5, 1e-12);
  EXPECT_NEAR(all.per_step.wait_share, 0.5, 1e-12);
  EXPECT_NEAR(all.per_step.largest_wait_share, 0.5, 1e-12);
}

StepRow row(int worker, std::int64_t step, Span compute) {
  StepRow row{.worker = worker, .step = step};
  row.spent[std::size_t(Activity::compute)] = compute;
  return row;
}

TEST(ImbalanceFigures, OfEqualWorkersAreZero) {
  ImbalanceRecord record(3);
  for (std::int64_t step = 0; step < 10; ++step)
    for (int w = 0; w < 3; ++w) record.add(row(w, step, Span{333'333'333}));
  const StepImbalance all = record.summary();
  EXPECT_EQ(all.steps, 10);
  EXPECT_EQ(all.mean + all.p50 + all.p95 + all.largest + all.coefficient_of_variation, 0);
}

// Steps that were begun and are taken once more count as they were in the end.
TEST(ImbalanceFigures, StartAnewWithStepsThatAllGoBackTo) {
  ImbalanceRecord record(2);
  record.add(row(0, 0, Span{100}));
  record.add(row(1, 0, Span{100}));
  record.add(row(0, 1, Span{900}));
  for (int w = 0; w < 2; ++w) record.add(row(w, 0, Span{100}));
  for (int w = 0; w < 2; ++w) record.add(row(w, 1, Span{w == 0 ? 300 : 100}));
  EXPECT_EQ(record.summary().steps, 3);
  EXPECT_DOUBLE_EQ(record.summary().largest, 0.5);
}

// Worker 1 is more than 1,024 steps behind: those are given up, and what it does later is counted again.
TEST(ImbalanceFigures, LeaveOutStepsThatWorkersAreTooFarApartIn) {
  ImbalanceRecord record(2);
  for (std::int64_t step = 0; step < 1030; ++step) record.add(row(0, step, Span{100}));
  for (std::int64_t step = 0; step < 1030; ++step) record.add(row(1, step, Span{100}));
  EXPECT_EQ(record.summary().steps, 1024);
}

TEST(Path, KeepsItsSharesApartFromThoseItWasHandedTo) {
  Path path(3);
  path.add(Activity::compute, Time{Span{10}}, 0);
  Path other = path;
  path.add(Activity::compute, Time{Span{15}}, 0);
  other.add(Activity::communication, Time{Span{12}});
  other.add(Activity::compute, Time{Span{20}}, 1);
  path.add(Activity::queue, Time{Span{16}});
  path.share();
  Path third = path;
  third.add(Activity::compute, Time{Span{30}}, 2);
  third.share();
  EXPECT_EQ(path.computed(0), Span{15});
  EXPECT_EQ(path.computed(2), Span{0});
  EXPECT_EQ(path.sum(), Span{16});
  EXPECT_EQ(other.computed(0), Span{10});
  EXPECT_EQ(other.computed(1), Span{8});
  EXPECT_EQ(other.spent(Activity::communication), Span{2});
  EXPECT_EQ(other.worker(), 1);
  EXPECT_EQ(third.computed(0), Span{15});
  EXPECT_EQ(third.computed(2), Span{14});
  EXPECT_EQ(third.sum(), Span{30});
}

// Above 1,024 workers there are sums only.
TEST(Attribution, OfManyWorkersKeepsTheSums) {
  const Results r = timed({"cluster.workers=1025", in_step, slow_two, "training.stop.steps=2", "output.steps=false"});
  EXPECT_TRUE(r.waits.empty());
  EXPECT_NEAR(r.workers[2].blamed_s, 1024 * 12e-3, 1e-9);
  EXPECT_NEAR(r.critical_path.seconds[std::size_t(Activity::compute)], 18e-3, 1e-15);
  ASSERT_EQ(r.critical_path.workers.size(), 1u);
  EXPECT_EQ(r.critical_path.workers[0].worker, 2);
  EXPECT_FALSE(r.critical_path.workers[0].compute_s);
  EXPECT_EQ(r.critical_path.workers[0].steps, 2);
}

}  // namespace
}  // namespace paceline::test
