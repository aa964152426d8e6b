// A parameter server as a queue: of few workers that think and ask again (machine repairman), and of so many that their
// requests are a Poisson stream (M/M/1, M/D/1, M/G/1).
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

// Exact mean value analysis of N customers who think Z and visit stations in series, each with exponential service: a
// newcomer finds what others alone would have queued.
struct Network {
  double throughput = 0;
  double response = 0;  // from the request to the last answer
};
Network exact(int customers, double think, const std::vector<double>& services) {
  std::vector<double> queued(services.size());
  Network network;
  for (int n = 1; n <= customers; ++n) {
    std::vector<double> residence(services.size());
    network.response = 0;
    for (std::size_t s = 0; s < services.size(); ++s) network.response += residence[s] = services[s] * (1 + queued[s]);
    network.throughput = n / (think + network.response);
    for (std::size_t s = 0; s < services.size(); ++s) queued[s] = network.throughput * residence[s];
  }
  return network;
}

// Asynchronous workers that compute for an exponential time; times in milliseconds.
Results served(int workers, double think, const std::string& servers, std::int64_t updates, std::uint64_t seed = 1) {
  return run("tests/data/scenarios/timing.json",
             {fmt::format("cluster.workers={}", workers), R"(cluster.jitter={"kind": "exponential"})",
              fmt::format(R"(workload.cost.forward="{}ms")", think), R"(workload.cost.backward="0ms")",
              "cluster.servers=" + servers, R"(training.strategy={"kind": "async"})",
              fmt::format(R"(training.stop={{"updates": {}}})", updates), fmt::format("seed={}", seed),
              "output.steps=false"})
      .results;
}

struct Repairman {
  int workers;
  double think;
  std::vector<double> services;
  double throughput;  // a millisecond
};
void PrintTo(const Repairman& each, std::ostream* out) {
  *out << each.workers << "_workers_think_" << each.think << "_at_" << each.services.size() << "_servers_of_"
       << each.services[0];
}

class MachineRepairman : public ::testing::TestWithParam<Repairman> {};

// The time of U updates has a relative standard error of at most 1/√U, that of U exponential times one after the
// other: 1 % is more than four of them.
TEST_P(MachineRepairman, HasTheThroughputOfTheExactAnalysis) {
  const auto& [workers, think, services, throughput] = GetParam();
  EXPECT_NEAR(exact(workers, think, services).throughput, throughput, 1e-8);
  constexpr std::int64_t updates = 200'000;
  const Results r = served(
      workers, think,
      fmt::format(R"({{"count": {}, "service": "{}ms", "shards": "series", "jitter": {{"kind": "exponential"}}}})",
                  services.size(), services[0]),
      updates);
  EXPECT_NEAR(double(updates) / (r.simulated_time_s * 1e3), throughput, 0.01 * throughput);
}

INSTANTIATE_TEST_SUITE_P(Shapes, MachineRepairman,
                         ::testing::Values(Repairman{1, 100, {10}, .00909091}, Repairman{4, 100, {10}, .03533368},
                                           Repairman{8, 100, {10}, .06616816}, Repairman{16, 100, {10}, .09776981},
                                           Repairman{32, 100, {10}, .1}, Repairman{8, 100, {2}, .07819421},
                                           Repairman{16, 100, {2}, .15564849}, Repairman{32, 100, {2}, .30575055},
                                           Repairman{64, 100, {2}, .49578029}, Repairman{8, 194, {12}, .0375605},
                                           Repairman{16, 194, {12}, .06829777}, Repairman{8, 100, {5, 5}, .07009555},
                                           Repairman{16, 100, {5, 5}, .12959406},
                                           Repairman{32, 100, {5, 5}, .18469498}),
                         ::testing::PrintToStringParamName());

struct Open {
  const char *name, *service;
  double scv;       // squared coefficient of variation of the service
  double response;  // times the mean service
};
void PrintTo(const Open& each, std::ostream* out) { *out << each.name; }

class OpenQueue : public ::testing::TestWithParam<Open> {};

// N workers that think N/λ are a Poisson stream of rate λ but for those in the queue: an arrival finds (1 - L/N) of it.
// By Pollaczek and Khinchine W = 1 + ρ (1 + scv) / (2 (1 - ρ)); with L = λW of N away the load is less by L/N, and W by
// less than W/(1 - ρ) times that. Sampling: eight seeds give a standard error, of which Student's t allows 7 at 1e-4.
TEST_P(OpenQueue, HasTheResponseOfPollaczekAndKhinchine) {
  constexpr double load = 0.8;
  constexpr int workers = 8000, seeds = 8;
  const double expected = 1 + load * (1 + GetParam().scv) / (2 * (1 - load));
  ASSERT_NEAR(expected, GetParam().response, 1e-12);
  std::vector<double> means;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    constexpr std::int64_t updates = 100'000;
    const Results r = served(workers, workers / load,
                             fmt::format(R"({{"service": "1ms", "jitter": {}}})", GetParam().service), updates, seed);
    double queue = 0;
    for (const WorkerResult& worker : r.workers) queue += worker.seconds[std::size_t(Activity::queue)];
    means.push_back(queue * 1e3 / double(updates));
  }
  double mean = 0, square = 0;
  for (const double each : means) mean += each / seeds;
  for (const double each : means) square += (each - mean) * (each - mean) / (seeds - 1);
  const double standard_error = std::sqrt(square / seeds), finite = load * expected / workers * expected / (1 - load);
  EXPECT_NEAR(mean, expected, 7 * standard_error + finite);
  EXPECT_LT(7 * standard_error + finite, 0.2 * expected);  // the test tells the three apart
}

INSTANTIATE_TEST_SUITE_P(Shapes, OpenQueue,
                         ::testing::Values(Open{"M_M_1", R"({"kind": "exponential"})", 1, 5},
                                           Open{"M_D_1", R"({"kind": "constant"})", 0, 3},
                                           Open{"M_G_1", R"({"kind": "gamma", "shape": 0.25})", 4, 11}),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace paceline::test
