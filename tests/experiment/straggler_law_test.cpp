// The straggler law of scenarios/recipes/straggler_law.json: the two figures it is fitted to, the mean step for every
// number of backup workers against its integral, and the best number, with how sure that is.
#include <gtest/gtest.h>

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <set>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

constexpr int workers = 100, most_backups = 14, seeds = 10, steps = 100;
constexpr double mean = 1.4, sigma = 0.13705, factor = 1.47399;

Run with_backups(int backups, int seed, std::vector<std::string> more = {}) {
  more.push_back(fmt::format("training.strategy.backups={}", backups));
  more.push_back(fmt::format("seed={}", seed));
  return run("scenarios/recipes/straggler_law.json", more);
}

double below(double t, double slowdown) {
  return boost::math::cdf(boost::math::normal(), (std::log(t / (mean * slowdown)) + sigma * sigma / 2) / sigma);
}

// That all but at most so many of the gradients are there after t.
double all_but(int backups, double t) {
  const boost::math::binomial late(workers - 1, 1 - below(t, 1));
  const double of_slow = below(t, factor);
  return of_slow * boost::math::cdf(late, backups) +
         (backups > 0 ? (1 - of_slow) * boost::math::cdf(late, backups - 1) : 0);
}

double mean_step(int backups) {
  double sum = 0;
  constexpr double dt = 1e-3;
  for (double t = dt / 2; t < 6; t += dt) sum += (1 - all_but(backups, t)) * dt;
  return sum;
}

TEST(StragglerLaw, HasThePublishedFigures) {
  EXPECT_NEAR(all_but(0, 2), 0.3, 1e-3);
  EXPECT_NEAR(all_but(1, 2), 0.8, 1e-3);
  for (const auto& [backups, share] : {std::pair{0, 0.3}, {1, 0.8}}) {
    constexpr int many = 2000;
    const auto made = with_backups(backups, 1, {fmt::format("training.stop.steps={}", many), "output.steps=true"});
    std::map<int, double> starts;
    for (std::size_t row = 0; row < made.rows.size(); ++row)
      starts[int(made.number(row, "step"))] = made.number(row, "start_s");
    starts[many] = made.results.simulated_time_s;
    ASSERT_EQ(starts.size(), std::size_t(many) + 1);
    int within = 0;
    for (int k = 0; k < many; ++k) within += starts[k + 1] - starts[k] <= 2;
    EXPECT_NEAR(within / double(many), share, 4 * std::sqrt(share * (1 - share) / many) + 1e-3) << backups;
  }
}

// Seeds are paired: with another number of backups a worker's k-th step takes the same time. The useful gradients of a
// second are N - b over the mean step.
TEST(StragglerLaw, IsMetBestBySevenBackupWorkersGiveOrTakeTwo) {
  std::vector<std::vector<double>> useful(most_backups + 1);
  std::vector<double> averages, expected;
  for (int b = 0; b <= most_backups; ++b) {
    double sum = 0;
    for (int seed = 1; seed <= seeds; ++seed) {
      const Results r = with_backups(b, seed, {fmt::format("training.stop.steps={}", steps)}).results;
      EXPECT_EQ(r.steps, steps);
      useful[std::size_t(b)].push_back((workers - b) * steps / r.simulated_time_s);
      sum += useful[std::size_t(b)].back() / seeds;
    }
    averages.push_back(sum);
    expected.push_back((workers - b) / mean_step(b));
    double square = 0;
    for (const double each : useful[std::size_t(b)]) square += (each - sum) * (each - sum) / (seeds - 1);
    EXPECT_NEAR(sum, expected.back(), 6 * std::sqrt(square / seeds)) << b << " backups";  // Student: 1e-4 each side
  }
  const auto best_of = [](const std::vector<double>& of) {
    return int(std::max_element(of.begin(), of.end()) - of.begin());
  };
  EXPECT_EQ(best_of(expected), 7);
  const int best = best_of(averages);
  EXPECT_NEAR(best, 7, 1);
  // Those that are not worse than the best at the 95 % level.
  const double quantile = boost::math::quantile(boost::math::students_t(seeds - 1), 0.975);
  std::set<int> as_good;
  for (int b = 0; b <= most_backups; ++b) {
    double difference = 0, square = 0;
    std::vector<double> differences;
    for (std::size_t s = 0; s < seeds; ++s)
      differences.push_back(useful[std::size_t(best)][s] - useful[std::size_t(b)][s]);
    for (const double each : differences) difference += each / seeds;
    for (const double each : differences) square += (each - difference) * (each - difference) / (seeds - 1);
    const double half_width = quantile * std::sqrt(square / seeds);
    fmt::print("{:2} backups: {:.2f} useful gradients per second, {:.2f} ± {:.2f} below the best; {:.2f} by integral\n",
               b, averages[std::size_t(b)], difference, half_width, expected[std::size_t(b)]);
    if (difference <= half_width) as_good.insert(b);
  }
  EXPECT_TRUE(as_good.contains(7));
  EXPECT_GE(*as_good.begin(), 5);
  EXPECT_LE(*as_good.rbegin(), 9);
}

}  // namespace
}  // namespace paceline::test
