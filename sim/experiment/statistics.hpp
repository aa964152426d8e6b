// What a few runs say of the mean behind them: means with 95 % intervals of Student's t, mean ± t(0.975, n − 1) s / √n,
// of values, of paired differences and, by way of their logarithms, of paired ratios; Holm's correction where many are
// looked at. Pairs are runs on a common seed: what a seed does to both cancels, and the interval is that much shorter.
#pragma once
#include <cstddef>
#include <optional>
#include <vector>

namespace paceline {

struct Estimate {
  double mean = 0;
  std::optional<double> half_interval{};  // of a single value there is none
  double standard_error = 0;              // s / √n
  std::size_t n = 0;

  double low() const { return mean - half_interval.value_or(0); }
  double high() const { return mean + half_interval.value_or(0); }
};
Estimate estimate(const std::vector<double>& values);

// Of after − before, pair by pair.
Estimate paired_difference(const std::vector<double>& before, const std::vector<double>& after);

// The geometric mean of after ÷ before, all positive; its interval is that of the logarithms' mean.
struct Ratio {
  double ratio = 1;
  std::optional<double> low{}, high{};
  std::size_t n = 0;

  Ratio over(double number) const;  // divided by it
};
Ratio paired_ratio(const std::vector<double>& before, const std::vector<double>& after);

// t with P(T ≤ t) = probability.
double student_quantile(double probability, double degrees_of_freedom);
// How probable a mean as far from 0, or farther, would be if there were nothing behind it; none of a single value.
std::optional<double> p_value(const Estimate& difference);

// Holm (1979): which of these are significant so that the chance of even one false one is at most `level`: in ascending
// order, the i-th of m (from 0) while p ≤ level / (m − i). Those without a p are not counted.
std::vector<bool> holm(const std::vector<std::optional<double>>& p_values, double level = 0.05);

}  // namespace paceline
