#include "sim/experiment/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

namespace paceline {

using InDouble = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
using Student = boost::math::students_t_distribution<double, InDouble>;

double student_quantile(double probability, double degrees_of_freedom) {
  return boost::math::quantile(Student(degrees_of_freedom), probability);
}

Estimate estimate(const std::vector<double>& values) {
  const std::size_t n = values.size();
  Estimate made{.n = n};
  if (n == 0) return made;
  made.mean = std::accumulate(values.begin(), values.end(), 0.0) / double(n);
  if (n < 2) return made;
  double squares = 0;
  for (const double each : values) squares += (each - made.mean) * (each - made.mean);
  made.standard_error = std::sqrt(squares / double(n - 1) / double(n));
  made.half_interval = student_quantile(0.975, double(n - 1)) * made.standard_error;
  return made;
}

Estimate paired_difference(const std::vector<double>& before, const std::vector<double>& after) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < before.size(); ++i) differences.push_back(after[i] - before[i]);
  return estimate(differences);
}

Ratio paired_ratio(const std::vector<double>& before, const std::vector<double>& after) {
  std::vector<double> logarithms;
  for (std::size_t i = 0; i < before.size(); ++i) logarithms.push_back(std::log(after[i] / before[i]));
  const Estimate made = estimate(logarithms);
  Ratio ratio{.ratio = std::exp(made.mean), .n = made.n};
  if (made.half_interval) {
    ratio.low = std::exp(made.low());
    ratio.high = std::exp(made.high());
  }
  return ratio;
}

Ratio Ratio::over(double number) const {
  Ratio made{.ratio = ratio / number, .n = n};
  if (low) made.low = *low / number;
  if (high) made.high = *high / number;
  return made;
}

std::optional<double> p_value(const Estimate& difference) {
  if (difference.n < 2) return std::nullopt;
  if (difference.standard_error == 0) return difference.mean == 0 ? 1 : 0;
  const double t = std::abs(difference.mean) / difference.standard_error;
  return 2 * boost::math::cdf(boost::math::complement(Student(double(difference.n - 1)), t));
}

std::vector<bool> holm(const std::vector<std::optional<double>>& p_values, double level) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p_values.size(); ++i)
    if (p_values[i]) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return *p_values[a] < *p_values[b]; });
  std::vector<bool> significant(p_values.size(), false);
  for (std::size_t i = 0; i < order.size() && *p_values[order[i]] <= level / double(order.size() - i); ++i)
    significant[order[i]] = true;
  return significant;
}

}  // namespace paceline
