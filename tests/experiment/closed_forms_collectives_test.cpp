// Ring all-reduce and the pipeline of buckets against their closed forms, through whole steps of bsp.
#include <gtest/gtest.h>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

constexpr double latency = 5e-6, bandwidth = 12.5e9;  // of a path of two links; bytes per second

double ring(int n, double bytes) { return 2 * (n - 1) * (latency + bytes / n / bandwidth); }

// The clock counts picoseconds: each of the 2(N-1) messages after one another may be off by one, and doubles by 1e-9.
double tolerance(double seconds, int n, int buckets = 1) { return 1e-9 * seconds + 1e-12 * 2 * (n - 1) * buckets; }

double time_of(int workers, double bytes, const std::string& aggregate, std::vector<std::string> more = {}) {
  std::vector<std::string> assignments{
      "output.steps=false", fmt::format("cluster.workers={}", workers),
      R"(cluster.topology={"kind": "star", "bandwidth": "100Gbps", "latency": "2.5us"})",
      fmt::format("workload.cost.gradient={:.0f}B", bytes),
      fmt::format(R"(training.strategy={{"kind": "bsp", "aggregate": {}}})", aggregate)};
  assignments.insert(assignments.end(), more.begin(), more.end());
  const Results r = run("tests/data/scenarios/timing.json", assignments).results;
  EXPECT_TRUE(r.all_hold());
  return r.simulated_time_s;
}

class Ring : public ::testing::TestWithParam<int> {};

TEST_P(Ring, TakesItsClosedFormAfterTheComputation) {
  const int n = GetParam();
  for (double bytes : {1024.0, 102'228'128.0, 100e6}) {
    const double expected = 3e-3 + ring(n, bytes);
    EXPECT_NEAR(time_of(n, bytes, R"({"kind": "all_reduce", "bucket": "1GB", "overlap": false})"), expected,
                tolerance(expected, n))
        << bytes << " bytes";
  }
}

INSTANTIATE_TEST_SUITE_P(Workers, Ring, ::testing::Values(2, 3, 4, 7, 8, 16, 33, 64, 100, 256),
                         ::testing::PrintToStringParamName());

// Figures by hand for 102,228,128 bytes in milliseconds and 1 KiB in microseconds, as many digits as they have.
TEST(RingTimes, AreTheKnownFigures) {
  const auto measured = [](int n, double bytes) {
    return time_of(n, bytes, R"({"kind": "all_reduce", "bucket": "1GB", "overlap": false})") - 3e-3;
  };
  const std::tuple<int, double, double> figures[] = {
      {8, 14.38194, 70.14}, {16, 15.48422, 150.15}, {64, 16.73093, 630.16}};
  for (const auto& [n, big, small] : figures) {
    EXPECT_NEAR(measured(n, 102'228'128) * 1e3, big, 5e-6) << n;
    EXPECT_NEAR(measured(n, 1024) * 1e6, small, 5e-3) << n;
  }
}

struct Buckets {
  const char* name;
  int workers;
  double gradient, bucket, first;  // bytes; first 0: not given
  double forward, backward;        // seconds
};
void PrintTo(const Buckets& each, std::ostream* out) { *out << each.name; }

class Pipeline : public ::testing::TestWithParam<Buckets> {
 protected:
  // end_i = max(ready_i, end_{i-1}) + T(S_i); the gradient is ready evenly over the backward.
  std::pair<double, int> expected() const {
    const Buckets& p = GetParam();
    double end = 0, sent = 0;
    int count = 0;
    while (sent < p.gradient) {
      const double size = std::min(count == 0 && p.first > 0 ? p.first : p.bucket, p.gradient - sent);
      sent += size;
      ++count;
      end = std::max(p.forward + p.backward * sent / p.gradient, end) + ring(p.workers, size);
    }
    return {end, count};
  }
};

TEST_P(Pipeline, EndsWhenTheLastBucketDoesInEveryStep) {
  const Buckets& p = GetParam();
  const auto [end, buckets] = expected();
  std::string aggregate = fmt::format(R"({{"kind": "all_reduce", "bucket": "{:.0f}B")", p.bucket);
  if (p.first > 0) aggregate += fmt::format(R"(, "first_bucket": "{:.0f}B")", p.first);
  const std::vector<std::string> cost{fmt::format("workload.cost.forward={:.0f}us", p.forward * 1e6),
                                      fmt::format("workload.cost.backward={:.0f}us", p.backward * 1e6)};
  EXPECT_NEAR(time_of(p.workers, p.gradient, aggregate + "}", cost), end, tolerance(end, p.workers, buckets));
  std::vector<std::string> three = cost;
  three.emplace_back("training.stop.steps=3");
  EXPECT_NEAR(time_of(p.workers, p.gradient, aggregate + "}", three), 3 * end, 3 * tolerance(end, p.workers, buckets));
}

// At 12.5 GB/s 100 MB take four workers 12 ms and 30 us a bucket.
INSTANTIATE_TEST_SUITE_P(Cases, Pipeline,
                         ::testing::Values(Buckets{"computation_hides_all_but_the_last", 4, 100e6, 25e6, 0, 20e-3,
                                                   80e-3},
                                           Buckets{"communication_hides_the_backward", 4, 100e6, 25e6, 0, 1e-3, 2e-3},
                                           Buckets{"about_as_much_of_either", 4, 100e6, 25e6, 0, 4e-3, 12e-3},
                                           Buckets{"a_rest_that_is_smaller", 4, 100e6, 30e6, 0, 4e-3, 14e-3},
                                           Buckets{"a_rest_of_one_byte", 4, 100e6 + 1, 25e6, 0, 4e-3, 11e-3},
                                           Buckets{"a_small_first_bucket", 4, 100e6, 25e6, 1e6, 4e-3, 12e-3},
                                           Buckets{"a_large_first_bucket", 4, 100e6, 10e6, 55e6, 4e-3, 12e-3},
                                           Buckets{"a_bucket_larger_than_all", 4, 100e6, 200e6, 0, 4e-3, 12e-3},
                                           Buckets{"many_buckets_bound_by_latency", 8, 1e6, 2e4, 0, 1e-3, 2e-3},
                                           Buckets{"no_time_to_compute", 4, 100e6, 25e6, 1e6, 0, 0},
                                           Buckets{"seven_workers", 7, 64e6, 7e6, 1e6, 3e-3, 9e-3}),
                         ::testing::PrintToStringParamName());

TEST(Overlap, LeavesNoBytesToWaitForButThoseOfTheLastBucket) {
  const Results r = run("tests/data/scenarios/timing.json",
                        {R"(cluster.topology={"kind": "star", "bandwidth": "100Gbps", "latency": "2.5us"})",
                         "workload.cost.gradient=100MB", "workload.cost.forward=20ms", "workload.cost.backward=80ms",
                         R"(training.strategy={"kind": "bsp", "aggregate": {"kind": "all_reduce", "bucket": "25MB"}})"})
                        .results;
  for (const WorkerResult& worker : r.workers) {
    EXPECT_NEAR(worker.seconds[std::size_t(Activity::compute)], 100e-3, 1e-12);
    EXPECT_NEAR(worker.seconds[std::size_t(Activity::communication)], ring(4, 25e6), tolerance(ring(4, 25e6), 4));
    EXPECT_EQ(worker.seconds[std::size_t(Activity::wait)], 0);
  }
  EXPECT_NEAR(r.overlapped_fraction * r.simulated_time_s, 3 * ring(4, 25e6), 3 * tolerance(ring(4, 25e6), 4));
}

// A bucket leaves when it is encoded: encoding never hides behind the bytes that it makes.
TEST(Overlap, DoesNotSendWhatIsNotEncodedYet) {
  const double expected = 3e-3 + 3e-3 + ring(4, 250e3);
  EXPECT_NEAR(
      time_of(4, 500e3, R"({"kind": "all_reduce"})", {R"(training.compression={"kind": "fp16", "time": "3ms"})"}),
      expected, tolerance(expected, 4));
}

// Rings, a worker alone included: 2(N-1)/N·S bytes sent and received by each.
TEST(RingBytes, AreTheSameForAll) {
  for (int n : {1, 2, 5, 8}) {
    const Results r = run("tests/data/scenarios/timing.json",
                          {fmt::format("cluster.workers={}", n), "workload.cost.gradient=1MB", "training.stop.steps=3"})
                          .results;
    for (const WorkerResult& worker : r.workers) {
      EXPECT_NEAR(worker.bytes_sent, 3 * 2e6 * (n - 1) / n, 1e-3);
      EXPECT_NEAR(worker.bytes_received, 3 * 2e6 * (n - 1) / n, 1e-3);
    }
    EXPECT_NEAR(r.bytes_on_wire, 3 * 2e6 * (n - 1), 1e-2);
  }
}

}  // namespace
}  // namespace paceline::test
