// Watch: how far a run is, in a line, or as a live summary. Also where Ctrl-C and the limit on wall time are noticed.
#pragma once
#include "sim/experiment/experiment.hpp"
#include "tools/paceline/progress_line.hpp"

namespace paceline {

class Watch {
 public:
  Watch(bool quiet, double max_wall_s, bool summary = false);

  // Throws Interrupted, LimitReached.
  void look(const Progress& progress);
  void clear() { line_.clear(); }

 private:
  using Clock = std::chrono::steady_clock;
  std::string line_of(const Progress& progress, const std::string& left) const;
  std::string summary_of(const Progress& progress, double wall, const std::string& left) const;

  ProgressLine line_;
  double max_wall_s_;
  bool summary_;
  std::vector<double> accuracies_;
  std::optional<Progress> first_;  // of a run that goes on: where it was
  Clock::time_point start_ = Clock::now();
};

}  // namespace paceline
