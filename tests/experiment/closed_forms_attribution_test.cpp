// Where time goes, in cases that can be reckoned by hand: speeds that change under way, waiting for a slow worker, the
// queue at a server, servers as a closed queueing network.
#include <gtest/gtest.h>

#include <array>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

Run timed(const std::vector<std::string>& assignments) { return run("tests/data/scenarios/timing.json", assignments); }

struct Slow {
  const char *name, *stragglers;
  double finish;  // of three steps of 10 ms, in ms
};
void PrintTo(const Slow& each, std::ostream* out) { *out << each.name; }

class SpeedChanges : public ::testing::TestWithParam<Slow> {};

// The integral of the speed over time reaches 30 ms of work. A tick per step, and one per change of speed.
TEST_P(SpeedChanges, MoveTheFinishToWhereTheIntegralOfTheSpeedIsTheWork) {
  for (const char* strategy : {R"({"kind": "bsp"})", R"({"kind": "async"})", R"({"kind": "local_sgd", "period": 3})"}) {
    const auto made = timed({"cluster.workers=1", std::string("cluster.stragglers=") + GetParam().stragglers,
                             "workload.cost.forward=4ms", "workload.cost.backward=6ms",
                             std::string("training.strategy=") + strategy, "training.stop.steps=3"});
    EXPECT_NEAR(made.results.simulated_time_s, GetParam().finish * 1e-3, 10e-12) << strategy;
    EXPECT_NEAR(made.results.workers[0].seconds[std::size_t(Activity::compute)], GetParam().finish * 1e-3, 10e-12)
        << strategy;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SpeedChanges,
    ::testing::Values(
        Slow{"none", "[]", 30}, Slow{"always_half", R"([{"kind": "slow", "workers": "0", "factor": 2}])", 60},
        Slow{"always_double", R"([{"kind": "slow", "workers": "0", "factor": 0.5}])", 15},
        Slow{"slow_from_within_the_first_step", R"([{"kind": "slow", "workers": "0", "factor": 3, "from": "5ms"}])",
             5 + 25 * 3},
        Slow{"slow_within_two_steps",
             R"([{"kind": "slow", "workers": "0", "factor": 3, "from": "5ms", "until": "20ms"}])", 20 + 20},
        Slow{"slow_from_the_start_of_a_step",
             R"([{"kind": "slow", "workers": "0", "factor": 2, "from": "10ms", "until": "20ms"}])", 20 + 15},
        Slow{"fast_for_a_while",
             R"([{"kind": "slow", "workers": "0", "factor": 0.5, "from": "10ms", "until": "15ms"}])", 15 + 10},
        Slow{"slow_only_after_the_end", R"([{"kind": "slow", "workers": "0", "factor": 9, "from": "40ms"}])", 30},
        Slow{"slow_in_the_last_millisecond", R"([{"kind": "slow", "workers": "0", "factor": 10, "from": "29ms"}])",
             29 + 10},
        Slow{"slow_at_first", R"([{"kind": "slow", "workers": "0", "factor": 4, "until": "3ms"}])", 3 + 29.25},
        Slow{
            "slow_twice",
            R"([{"kind": "slow", "workers": "0", "factor": 5, "until": "5ms"}, {"kind": "slow", "workers": "0", "factor": 5, "from": "10ms", "until": "15ms"}])",
            15 + (30 - 1 - 5 - 1)},
        Slow{
            "slow_by_two_at_once_multiplied",
            R"([{"kind": "slow", "workers": "0", "factor": 2, "until": "20ms"}, {"kind": "slow", "workers": "0", "factor": 3, "from": "10ms", "until": "40ms"}])",
            40 + (30 - 5 - 10.0 / 6 - 20.0 / 3)},
        Slow{"slow_for_a_hundred_steps_worth",
             R"([{"kind": "slow", "workers": "0", "factor": 1000, "from": "1ms", "until": "2001ms"}])",
             2001 + 30 - 1 - 2},
        Slow{"periodic",  // 9 ms of work in each 10 ms
             R"([{"kind": "periodic", "workers": "0", "period": "10ms", "duration": "2ms", "factor": 2}])", 34},
        Slow{
            "periodic_with_offset",
            R"([{"kind": "periodic", "workers": "0", "period": "20ms", "duration": "10ms", "offset": "5ms", "factor": 5}])",
            45 + (30 - 5 - 2 - 10 - 2 - 10) * 5},
        Slow{"periodic_of_all", R"([{"kind": "periodic", "period": "100ms", "duration": "40ms", "factor": 4}])", 60},
        Slow{"drift_in_one_piece",
             R"([{"kind": "drift", "workers": "0", "factor": 3, "duration": "20ms", "steps": 1}])", 20 + 20 * 3},
        Slow{"drift_in_two_pieces",
             R"([{"kind": "drift", "workers": "0", "factor": 3, "from": "10ms", "duration": "20ms", "steps": 2}])",
             30 + (30 - 10 - 10 / 1.5 - 10 / 2.5) * 3},
        Slow{"drift_to_faster", R"([{"kind": "drift", "workers": "0", "factor": 0.5, "duration": "9ms", "steps": 1}])",
             9 + (30 - 12) * 0.5},
        Slow{"replayed",
             R"([{"kind": "replay", "events": [{"time": "5ms", "worker": 0, "factor": 3, "duration": "15ms"}]}])", 40},
        Slow{"replayed_for_ever", R"([{"kind": "replay", "events": [{"time": "10ms", "worker": 0, "factor": 4}]}])",
             10 + 20 * 4},
        Slow{
            "replayed_overlapping",
            R"([{"kind": "replay", "events": [{"time": "10ms", "worker": 0, "factor": 3, "duration": "30ms"}, {"time": "0s", "worker": 0, "factor": 2, "duration": "20ms"}]}])",
            40 + (30 - 5 - 10.0 / 6 - 20.0 / 3)},
        Slow{
            "replayed_one_after_the_other",
            R"([{"kind": "replay", "events": [{"time": "0s", "worker": 0, "factor": 2, "duration": "10ms"}, {"time": "10ms", "worker": 0, "factor": 5, "duration": "10ms"}]}])",
            20 + (30 - 5 - 2)},
        Slow{
            "periodic_times_slow",  // 20/3 ms of work in each 20 ms
            R"([{"kind": "slow", "workers": "0", "factor": 2}, {"kind": "periodic", "period": "20ms", "duration": "10ms", "factor": 3}])",
            80 + 10 + 10.0 / 3},
        Slow{
            "drift_times_replayed",
            R"([{"kind": "drift", "factor": 2, "duration": "10ms", "steps": 1}, {"kind": "replay", "events": [{"time": "5ms", "worker": 0, "factor": 4, "duration": "10ms"}]}])",
            15 + (30 - 5 / 1.5 - 5 / 6.0 - 5 / 8.0) * 2},
        Slow{"struck_by_a_factor", R"([{"kind": "spike", "probability": 1, "factor": 1.5}])", 45},
        Slow{"struck_by_a_time", R"([{"kind": "spike", "probability": 1, "time": "2ms"}])", 36},
        Slow{
            "struck_twice_while_slow",
            R"([{"kind": "spike", "probability": 1, "time": "5ms"}, {"kind": "slow", "workers": "0", "factor": 2, "until": "30ms"}, {"kind": "spike", "probability": 1, "factor": 2}])",
            30 + 90 - 15}),
    ::testing::PrintToStringParamName());

double spent(const Run& made, int worker, Activity activity) {
  return made.results.workers[std::size_t(worker)].seconds[std::size_t(activity)];
}

// 3 ms for the others, 9 ms for worker 2: they wait 6 ms in each of four steps, and it never does. No rounding is in
// this.
TEST(Attribution, OfABarrierChargesTheOthersTheDifferenceToTheSlowWorker) {
  for (const char* aggregate : {R"({"kind": "all_reduce", "overlap": false})", R"({"kind": "all_reduce"})",
                                R"({"kind": "parameter_server"})"}) {
    SCOPED_TRACE(aggregate);
    const auto made =
        timed({R"(cluster.stragglers=[{"kind": "slow", "workers": "2", "factor": 3}])", "training.stop.steps=4",
               fmt::format(R"(training.strategy={{"kind": "bsp", "aggregate": {}}})", aggregate)});
    for (int w = 0; w < 4; ++w) {
      EXPECT_NEAR(spent(made, w, Activity::compute), w == 2 ? 36e-3 : 12e-3, 1e-15) << "worker " << w;
      EXPECT_NEAR(spent(made, w, Activity::wait), w == 2 ? 0 : 24e-3, 1e-15) << "worker " << w;
      EXPECT_EQ(spent(made, w, Activity::communication), 0) << "worker " << w;
      for (double wait : made.of_worker(w, "wait_s")) EXPECT_NEAR(wait, w == 2 ? 0 : 6e-3, 1e-15) << "worker " << w;
    }
    EXPECT_NEAR(made.results.load_imbalance, 36.0 / 18 - 1, 1e-12);
  }
}

// The same over a star of 1 GB/s and 10 us a path, chunks of 1 ms. A rank sends chunk s when it has joined and chunk s
// - 1 has come in from its left; chunks follow each other on a connection: they arrive at max(sent + α, arrival of the
// one before)
// + 1 ms. Up to the last member's joining the others wait; the rest is communication, less than 6 (α + 1 ms) where
// chunks of the early ones are in before.
TEST(Attribution, OfARingIsWaitUpToItsLastMemberAndCommunicationAfter) {
  constexpr double joined[] = {3e-3, 3e-3, 9e-3, 3e-3};
  std::array<double, 4> in{};  // by receiver: its latest chunk
  for (int s = 1; s <= 6; ++s) {
    const auto before = in;
    for (std::size_t r = 0; r < 4; ++r) {
      const std::size_t right = (r + 1) % 4;
      const double sent = std::max(joined[r], before[r]);
      in[right] = std::max(sent + 10e-6, before[right]) + 1e-3;
    }
  }
  for (const char* overlap : {"false", "true"}) {
    const auto made = timed(
        {R"(cluster.topology={"kind": "star", "bandwidth": "1GBps", "latency": "5us"})", "workload.cost.gradient=4MB",
         R"(cluster.stragglers=[{"kind": "slow", "workers": "2", "factor": 3}])",
         fmt::format(
             R"(training.strategy={{"kind": "bsp", "aggregate": {{"kind": "all_reduce", "bucket": "4MB", "overlap": {}}}}})",
             overlap)});
    for (int w = 0; w < 4; ++w) {
      EXPECT_NEAR(made.of_worker(w, "wait_s").at(0), w == 2 ? 0 : 6e-3, 1e-15)
          << "worker " << w << ", overlap " << overlap;
      EXPECT_NEAR(made.of_worker(w, "exposed_communication_s").at(0), in[std::size_t(w)] - 9e-3, 6e-12)
          << "worker " << w << ", overlap " << overlap;
    }
  }
}

// Service 1 ms: at 3 ms four requests come at once and are served in the order of workers. From then on they come 1 ms
// apart and find the server free: 1 ms of queue each, which is the service itself.
TEST(Attribution, OfAServersQueueIsThoseInFrontAndOnesOwnService) {
  const auto made = timed({R"(cluster.servers={"service": "1ms"})", R"(training.strategy={"kind": "async"})",
                           R"(training.stop={"updates": 12})"});
  for (int w = 0; w < 4; ++w) {
    const auto queue = made.of_worker(w, "queue_s");
    ASSERT_EQ(queue.size(), 3u);
    for (std::size_t k = 0; k < 3; ++k)
      EXPECT_NEAR(queue[k], k == 0 ? (w + 1) * 1e-3 : 1e-3, 1e-15) << "worker " << w << ", step " << k;
    for (double wait : made.of_worker(w, "wait_s")) EXPECT_EQ(wait, 0) << "worker " << w;
  }
}

// A barrier at a server that serves for 1 ms each: the first in is served after 1 ms and waits 3 ms for the three
// behind it.
TEST(Attribution, OfABarrierAtAServerIsQueueUpToOnesServiceAndWaitAfter) {
  const auto made = timed({R"(cluster.servers={"service": "1ms"})",
                           R"(training.strategy={"kind": "bsp", "aggregate": {"kind": "parameter_server"}})"});
  EXPECT_NEAR(made.results.simulated_time_s, 7e-3, 1e-15);
  for (int w = 0; w < 4; ++w) {
    EXPECT_NEAR(spent(made, w, Activity::queue), (w + 1) * 1e-3, 1e-15) << "worker " << w;
    EXPECT_NEAR(spent(made, w, Activity::wait), (3 - w) * 1e-3, 1e-15) << "worker " << w;
  }
}

struct Servers {
  const char *name, *servers;
  double service;  // in all, of a request on an idle server
  double slowest;  // of one server
};
void PrintTo(const Servers& each, std::ostream* out) { *out << each.name; }

class QueueingNetwork : public ::testing::TestWithParam<Servers> {};

// Once it has settled, a whole round of N updates takes max(Z + S, N·S of the slowest server): X = min(N/(Z + S),
// 1/S_slowest).
TEST_P(QueueingNetwork, WithoutRandomnessHasTheThroughputOfItsBottleneck) {
  const auto time_of = [](int n, int updates) {
    return timed({fmt::format("cluster.workers={}", n), std::string("cluster.servers=") + GetParam().servers,
                  "workload.cost.forward=40ms", "workload.cost.backward=60ms", R"(training.strategy={"kind": "async"})",
                  fmt::format(R"(training.stop={{"updates": {}}})", updates), "output.steps=false"})
        .results.simulated_time_s;
  };
  for (int n : {1, 2, 4, 8, 10, 11, 12, 16, 21, 22, 32}) {
    const double throughput = 20 * n / (time_of(n, 30 * n) - time_of(n, 10 * n));
    const double expected = std::min(n / (0.1 + GetParam().service), 1 / GetParam().slowest);
    EXPECT_NEAR(throughput, expected, 1e-12 * expected) << n << " workers";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, QueueingNetwork,
    ::testing::Values(Servers{"one", R"({"service": "10ms"})", 10e-3, 10e-3},
                      Servers{"one_fast", R"({"service": "2ms"})", 2e-3, 2e-3},
                      Servers{"two_in_series", R"({"count": 2, "service": "5ms", "shards": "series"})", 10e-3, 5e-3},
                      Servers{"two_in_parallel", R"({"count": 2, "service": "5ms", "shards": "parallel"})", 5e-3,
                              5e-3}),
    ::testing::PrintToStringParamName());

}  // namespace
}  // namespace paceline::test
