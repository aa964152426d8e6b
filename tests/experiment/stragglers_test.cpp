// Stragglers that come and go at random, and devices that communicate while they compute: against their own draws
// integrated by hand, renewal theory, the binomial distribution.
#include <gtest/gtest.h>

#include <cmath>

#include "sim/cluster/stragglers/straggler.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using namespace std::chrono_literals;

Run timed(std::vector<std::string> assignments) { return run("tests/data/scenarios/timing.json", assignments); }
Run timed_async(int workers, const std::string& stragglers, const std::string& stop) {
  return timed({fmt::format("cluster.workers={}", workers), "cluster.stragglers=" + stragglers,
                R"(training.strategy={"kind": "async"})", "training.stop=" + stop});
}
const std::string often = R"({"kind": "transient", "mean_time_between": "7ms", "mean_duration": "2ms", "factor": 4})";

// When a worker has done so much work, by its draws: well for one exponential time, at a quarter of its speed for the
// next.
double finish(int worker, std::uint64_t entry, double work) {
  const Stream stream = StragglerDraws(1, entry).of(worker);
  double now = 0;
  for (std::uint64_t draw = 0;; ++draw) {
    const bool slow = draw % 2;
    const double lasts = (slow ? 2e-3 : 7e-3) * -std::log1p(-stream.uniform(draw)), done = lasts / (slow ? 4 : 1);
    if (done >= work) return now + work * (slow ? 4 : 1);
    work -= done;
    now += lasts;
  }
}

// A tick for each step and each change of speed.
TEST(Transient, MovesTheFinishToWhereTheIntegralOfTheSpeedIsTheWork) {
  constexpr int steps = 200;
  const auto made = timed_async(5, "[" + often + "]", R"({"time": "10s"})");
  for (int w = 0; w < 5; ++w) {
    const std::vector<double> starts = made.of_worker(w, "start_s");
    for (const int k : {1, 2, 3, 10, steps})
      EXPECT_NEAR(starts.at(std::size_t(k)), finish(w, 0, k * 3e-3), 4e-12 * k) << "worker " << w << ", step " << k;
  }
}

// Over a time T an alternating renewal process is slow for d/(b + d) of it in the mean, with the variance
// 2 b² d² / (b + d)³ T; a worker does T less three quarters of that. It begins well, which is worth b d / (b + d).
TEST(Transient, IsSlowForItsShareOfTheTime) {
  constexpr int workers = 400;
  constexpr double b = 7e-3, d = 2e-3, time = 2;
  const Results r = timed_async(workers, "[" + often + "]", R"({"time": "2s"})").results;
  const double slow = (time - b * d / (b + d)) * d / (b + d), work = workers * (time - 0.75 * slow);
  const double error = 0.75 * std::sqrt(workers * 2 * b * b * d * d / std::pow(b + d, 3) * time);
  // Of each worker a part of a step is under way at the end: on the average half of one.
  EXPECT_NEAR(double(r.updates) * 3e-3, work - workers * 1.5e-3, 4 * error + workers * 1e-4);
}

TEST(Stragglers, OneMoreChangesNothingOfAnother) {
  const auto starts = [](const std::string& stragglers) {
    return timed_async(4, stragglers, R"({"time": "1s"})").of_worker(0, "start_s");
  };
  const std::string spikes = R"({"kind": "spike", "workers": "0", "probability": 0.2, "factor": 3})";
  const std::string own =
      R"({"kind": "transient", "workers": "0", "mean_time_between": "7ms", "mean_duration": "2ms", "factor": 4})";
  const std::string others =
      R"({"kind": "transient", "workers": "1-3", "mean_time_between": "5ms", "mean_duration": "5ms", "factor": 4}, {"kind": "spike", "workers": "2", "probability": 0.5, "time": "1ms"})";
  const auto alone = starts(fmt::format("[{}, {}]", own, spikes));
  EXPECT_EQ(alone, starts(fmt::format("[{}, {}, {}]", own, spikes, others)));
  EXPECT_NE(alone, starts(fmt::format("[{}]", own)));
  // Two of a kind draw on their own: together they are not one of twice the factor.
  EXPECT_NE(starts(fmt::format("[{}, {}]", own, own)), alone);
}

TEST(Stragglers, AreTheSameWhoeverElseIsThere) {
  const auto starts = [](int workers) {
    return timed_async(workers, "[" + often + R"(, {"kind": "spike", "probability": 0.3, "factor": 2}])",
                       R"({"time": "1s"})")
        .of_worker(2, "start_s");
  };
  EXPECT_EQ(starts(3), starts(9));
}

// The number of struck steps is binomial.
TEST(Spike, StrikesItsShareOfTheSteps) {
  constexpr double p = 0.05;
  const auto made =
      timed_async(10, R"([{"kind": "spike", "probability": 0.05, "time": "7ms"}])", R"({"updates": 20000})");
  double struck = 0, steps = 0;
  for (std::size_t row = 0; row < made.rows.size(); ++row) {
    const double seconds = made.number(row, "compute_s");
    if (seconds != 3e-3 && seconds != 10e-3) continue;  // the last of each worker, cut off
    struck += seconds == 10e-3;
    ++steps;
  }
  EXPECT_GT(steps, 19900);
  EXPECT_NEAR(struck, p * steps, 4 * std::sqrt(p * (1 - p) * steps));
}

// With more and smaller pieces a drift is the straight line: the work done by t is the integral of 1/(1 + ct), c = 1/s,
// which is ln(1 + ct)/c. The midpoint rule is off by less than T (T/n)² 2c² / 24 = 2/(3n²) for T = 2 and c = 1, which
// takes up to three times as long.
TEST(Drift, TendsToTheStraightLine) {
  for (const int pieces : {10, 100, 1000}) {
    const auto made =
        timed({"cluster.workers=1", "training.stop.steps=231",
               fmt::format(R"(cluster.stragglers=[{{"kind": "drift", "factor": 3, "duration": "2s", "steps": {}}}])",
                           pieces)});
    const double expected = std::exp(231 * 3e-3) - 1;
    EXPECT_NEAR(made.results.simulated_time_s, expected, 2.0 / (double(pieces) * pieces)) << pieces;
  }
}

// Periodic and transient stragglers never end, and keep no run alive: a stuck one is a deadlock at once.
TEST(Stragglers, KeepNoStuckRunAlive) {
  for (const std::string& kind :
       {often, std::string(R"({"kind": "periodic", "period": "5ms", "duration": "1ms", "factor": 2})"),
        std::string(R"({"kind": "drift", "duration": "1h", "factor": 2})"),
        std::string(R"({"kind": "slow", "workers": "0", "factor": 2, "from": "1h", "until": "2h"})")}) {
    const Results r = timed({"cluster.workers=2", "cluster.stragglers=[" + kind + "]",
                             R"(cluster.topology={"kind": "star", "bandwidth": "1Gbps", "latency": "1us"})",
                             R"(cluster.link_events=[{"kind": "down", "link": "n0 -> switch", "at": "1ms"}])"})
                          .results;
    EXPECT_EQ(r.reason, "deadlock") << kind;
    EXPECT_LT(r.simulated_time_s, 1) << kind;
  }
}

Task<> work(Engine& engine, Device& device, double seconds, double& finished) {
  device.begin();
  co_await device.reach(seconds);
  finished = to_seconds(engine.now());
}
Task<> communicate(Engine& engine, Device& device, Span from, Span until) {
  co_await engine.sleep(from);
  const Device::Communication communication(device);
  co_await engine.sleep(until - from);
}

TEST(CommunicationSlowdown, LastsWhileAnythingIsUnderWay) {
  Engine engine;
  Device device(engine, 2);
  device.set_slowdown(0, 1.5);
  double finished = 0;
  engine.spawn("work", work(engine, device, 10, finished));
  engine.spawn("one", communicate(engine, device, 3s, 9s));  // two that overlap count once: 9 s at a third in all
  engine.spawn("other", communicate(engine, device, 6s, 12s));
  engine.run();
  EXPECT_DOUBLE_EQ(finished, 12 + (10 - 3 / 1.5 - 9 / 3.0) * 1.5);
}

// Two workers, two buckets of 5 MB that take 5 ms each. The first is ready after 20 ms and moves until 25 ms, while the
// rest of the backward gets on at half the speed: it ends at 32.5 ms in place of 30 ms; the second takes 5 ms more.
TEST(CommunicationSlowdown, StretchesTheBackwardUnderABucket) {
  const auto time = [](double factor) {
    return timed({"cluster.workers=2", fmt::format("cluster.communication_slowdown={}", factor),
                  R"(cluster.topology={"kind": "star", "bandwidth": "1GBps", "latency": "0s"})",
                  "workload.cost.forward=10ms", "workload.cost.backward=20ms", "workload.cost.gradient=10MB",
                  R"(training.strategy={"kind": "bsp", "aggregate": {"kind": "all_reduce", "bucket": "5MB"}})"})
        .results.simulated_time_s;
  };
  EXPECT_NEAR(time(1), 35e-3, 4e-12);
  EXPECT_NEAR(time(2), 37.5e-3, 4e-12);
  EXPECT_NEAR(time(4), 30e-3 + 3.75e-3 + 5e-3, 4e-12);
}

// One worker of k_batch_sync pushes its first batch at 3 ms, which takes 1 ms, and goes on: in that time it gets half
// as far. The second batch ends at 6.5 ms in place of 6 ms, and is in 1 ms later.
TEST(CommunicationSlowdown, StretchesWhatIsComputedUnderAPush) {
  const auto time = [](double factor) {
    return timed({"cluster.workers=1", fmt::format("cluster.communication_slowdown={}", factor),
                  R"(cluster.topology={"kind": "star", "bandwidth": "1GBps", "latency": "0s"})",
                  "workload.cost.gradient=1MB", R"(training.strategy={"kind": "k_batch_sync", "k": 2})"})
        .results.simulated_time_s;
  };
  EXPECT_NEAR(time(1), 7e-3, 4e-12);
  EXPECT_NEAR(time(2), 7.5e-3, 4e-12);
}

// Batch by batch, since a slower batch may make another one be the last of a step.
TEST(CommunicationSlowdown, IsFeltUnderEveryKindOfTransfer) {
  for (const char* strategy : {R"({"kind": "gossip", "variant": "adpsgd"})", R"({"kind": "push_sum"})",
                               R"({"kind": "bsp", "sharding": "zero3"})",
                               R"({"kind": "bsp", "aggregate": {"kind": "all_reduce", "bucket": "300kB"}})"}) {
    SCOPED_TRACE(strategy);
    const auto seconds = [&](double factor) {
      const auto made = timed({"cluster.workers=4", fmt::format("cluster.communication_slowdown={}", factor),
                               R"(cluster.topology={"kind": "star", "bandwidth": "1GBps", "latency": "1us"})",
                               "workload.cost.gradient=1MB", R"(cluster.jitter={"kind": "exponential"})",
                               std::string("training.strategy=") + strategy, "training.stop.steps=30"});
      EXPECT_TRUE(made.results.all_hold());
      std::map<std::pair<int, int>, double> of_batch;
      for (int w = 0; w < 4; ++w) {
        const std::vector<double> compute = made.of_worker(w, "compute_s");
        for (std::size_t k = 0; k + 1 < compute.size(); ++k) of_batch[{w, int(k)}] = compute[k];
      }
      return of_batch;
    };
    const auto nominal = seconds(1), slowed = seconds(3);
    double before = 0, after = 0;
    for (const auto& [batch, own] : nominal) {
      if (!slowed.contains(batch)) continue;
      EXPECT_GE(slowed.at(batch), own - 2e-12) << "worker " << batch.first << ", batch " << batch.second;
      before += own;
      after += slowed.at(batch);
    }
    EXPECT_GT(after, 1.01 * before);
  }
}

}  // namespace
}  // namespace paceline::test
