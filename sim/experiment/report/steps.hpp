// steps.csv in one pass and in bounded memory: how long batches took, how that went over the run, and the rows of a
// few steps of some workers for the timeline.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/experiment/report/report.hpp"

namespace paceline::report {

struct StepRow {
  int worker = 0;
  std::int64_t step = 0;
  double start_s = 0;
  std::array<double, 4> seconds{};  // compute, wait, exposed communication, queue: as the columns
  double staleness = 0;

  double duration() const { return seconds[0] + seconds[1] + seconds[2] + seconds[3]; }
};

// Durations in buckets a thousandth wide, of which `bins()` makes at most 48 with as many buckets in each.
class Durations {
 public:
  void add(double seconds);
  std::uint64_t count() const { return count_; }
  double quantile(double share) const;
  Json bins() const;

 private:
  std::map<int, std::uint64_t> buckets_;
  std::uint64_t count_ = 0, none_ = 0;  // none: took no time at all
  double sum_ = 0, least_ = 0, most_ = 0;
};

// Means over bins of steps, at most 256: when there are more, two become one.
class OverSteps {
 public:
  void add(const StepRow& row);
  Json columns() const;

 private:
  struct Bin {
    std::uint64_t rows = 0;
    std::array<double, 4> seconds{};
    double longest_s = 0, staleness = 0;
  };
  std::vector<Bin> bins_;
  std::int64_t width_ = 1;
};

// The timeline has the rows of `workers` in the steps [first, last). Throws ConfigError where the file is no steps.csv.
Json read_steps(const std::string& file, const std::set<int>& workers, std::pair<std::int64_t, std::int64_t> window);

}  // namespace paceline::report
