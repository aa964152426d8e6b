// How long an update takes where only computation takes time. Exponential times of mean 1 have no memory: whoever is at
// work is as good as new, so that a run is a walk over few states. Dutta et al. 2018, "Slow and stale gradients can win
// the race", for k_sync, k_async and their batch variants; the same reckoning for who finishes in vain.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <tuple>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

Results timed(int workers, const std::string& strategy, const std::string& stop, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {fmt::format("cluster.workers={}", workers), "workload.cost.forward=400ms",
                             "workload.cost.backward=600ms", "output.steps=false", "training.strategy=" + strategy,
                             "training.stop=" + stop});
  const Results r = run("tests/data/scenarios/timing.json", more).results;
  for (const Check& check : r.checks) EXPECT_TRUE(check.holds) << check.name << ": " << check.detail;
  return r;
}

struct Moments {
  double mean = 0, square = 0;  // E T, E T²
  double variance() const { return square - mean * mean; }
};

// An exponential time of this rate, and then what comes with these probabilities.
Moments after(double rate, std::initializer_list<std::pair<double, Moments>> next) {
  Moments rest;
  for (const auto& [probability, moments] : next) {
    rest.mean += probability * moments.mean;
    rest.square += probability * moments.square;
  }
  return {1 / rate + rest.mean, 2 / (rate * rate) + 2 * rest.mean / rate + rest.square};
}

// The first k of n: Σ 1/i over n - k < i ≤ n.
Moments first_of(int n, int k) { return k == 0 ? Moments{} : after(n, {{1.0, first_of(n - 1, k - 1)}}); }
// k ends of anyone among n, who go on at once: an Erlang time.
Moments ends(int n, int k) { return k == 0 ? Moments{} : after(n, {{1.0, ends(n, k - 1)}}); }

// With late ones: `missing` gradients of the version are not in yet, `fresh` workers are at it, `late` ones at an older
// one, from which they join. Who is through waits for the others (backup workers), or goes on at the same version as
// long as that is the newest (rennala).
Moments with_late(int fresh, int late, int missing, bool goes_on) {
  if (missing == 0) return {};
  static std::map<std::tuple<int, int, int, bool>, Moments> known;
  const auto key = std::tuple(fresh, late, missing, goes_on);
  if (const auto at = known.find(key); at != known.end()) return at->second;
  const double all = fresh + late;
  const Moments counted = fresh ? with_late(fresh - !goes_on, late, missing - 1, goes_on) : Moments{},
                joined = late ? with_late(fresh + 1, late - 1, missing, goes_on) : Moments{};
  return known[key] = after(all, {{fresh / all, counted}, {late / all, joined}});
}

struct Case {
  std::string name, strategy;
  int n;
  Moments first, later;  // of the first update and of each other
};
void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const std::string& kind, const std::string& keys, int n, int k, Moments first, Moments later) {
    all.push_back({fmt::format("{}_{}_of_{}", kind, k, n), R"({"kind": ")" + keys + "}", n, first, later});
  };
  for (const auto& [n, k] : {std::pair{4, 1}, {4, 3}, {8, 5}, {16, 16}, {32, 8}}) {
    const std::string key = fmt::format(R"("k": {})", k), backups = fmt::format(R"("backups": {})", n - k);
    const Moments distinct = first_of(n, k), any = ends(n, k);
    add("k_sync", R"(k_sync", )" + key, n, k, distinct, distinct);
    add("k_async", R"(k_async", )" + key, n, k, distinct, distinct);
    add("k_batch_sync", R"(k_batch_sync", )" + key, n, k, any, any);
    add("k_batch_async", R"(k_batch_async", )" + key, n, k, any, any);
    add("fedbuff", R"(fedbuff", )" + fmt::format(R"("buffer": {})", k), n, k, any, any);
    add("backup_workers_cancelled", R"(backup_workers", "cancel": true, )" + backups, n, k, distinct, distinct);
    add("backup_workers_late", R"(backup_workers", )" + backups, n, k, distinct, with_late(k, n - k, k, false));
    add("rennala", R"(rennala", )" + fmt::format(R"("batch": {})", k), n, k, any, with_late(1, n - 1, k, true));
  }
  add("ringmaster_stops", R"(ringmaster", "delay_threshold": 1, "stops": true)", 8, 1, first_of(8, 1), first_of(8, 1));
  add("ringmaster", R"(ringmaster", "delay_threshold": 1)", 8, 1, ends(8, 1), with_late(1, 7, 1, true));
  return all;
}

class Exponential : public ::testing::TestWithParam<Case> {};

TEST_P(Exponential, UpdatesTakeTheirExpectedTime) {
  const auto& [name, strategy, n, first, later] = GetParam();
  constexpr int updates = 3000;
  const Results r =
      timed(n, strategy, fmt::format(R"({{"updates": {}}})", updates), {R"(cluster.jitter={"kind": "exponential"})"});
  ASSERT_EQ(r.updates, updates);
  const double expected = first.mean + (updates - 1) * later.mean;
  const double deviation = std::sqrt(first.variance() + (updates - 1) * later.variance());
  EXPECT_NEAR(r.simulated_time_s, expected, 4 * deviation) << "deviation " << deviation;
}

INSTANTIATE_TEST_SUITE_P(Dutta, Exponential, ::testing::ValuesIn(cases()),
                         [](const auto& suite) { return suite.param.name; });

// What the walks above amount to, as published: H_n - H_{n-k} and Σ 1/i²; k/n and k/n².
TEST(ExponentialMoments, AreThePublishedOnes) {
  EXPECT_NEAR(first_of(8, 5).mean, 1.0 / 8 + 1.0 / 7 + 1.0 / 6 + 1.0 / 5 + 1.0 / 4, 1e-12);
  EXPECT_NEAR(first_of(8, 5).variance(), 1.0 / 64 + 1.0 / 49 + 1.0 / 36 + 1.0 / 25 + 1.0 / 16, 1e-12);
  EXPECT_NEAR(ends(8, 5).mean, 5.0 / 8, 1e-12);
  EXPECT_NEAR(ends(8, 5).variance(), 5.0 / 64, 1e-12);
}

// s steps of N batches each, then one batch after the other: T = s t_bsp + (W - N s) t_async, and each switch.
TEST(SwitchingRuntime, IsTheSumOfItsPhases) {
  for (const int n : {1, 4, 7})
    for (const int s : {1, 5, 19}) {
      constexpr int steps = 20;
      const std::string phases = fmt::format(
          R"({{"kind": "switching", "overhead": "250ms", "phases": [{{"strategy": {{"kind": "bsp"}}, "until": {{"steps": {}}}}}, {{"strategy": {{"kind": "async"}}}}]}})",
          s);
      const Results r = timed(n, phases, fmt::format(R"({{"steps": {}}})", steps));
      const double w = steps * n, expected = s * 1.0 + 0.25 + (w - n * s) * 1.0 / n;
      EXPECT_NEAR(r.simulated_time_s, expected, 1e-9) << n << " workers, " << s << " steps";
      EXPECT_EQ(r.samples, std::int64_t(w));
      EXPECT_EQ(r.updates, s + (steps - s) * n);
    }
}

}  // namespace
}  // namespace paceline::test
