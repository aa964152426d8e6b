#include "tools/paceline/watch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/core/engine.hpp"
#include "sim/core/units.hpp"

namespace paceline {

Watch::Watch(bool quiet, double max_wall_s, bool summary) : line_(quiet), max_wall_s_(max_wall_s), summary_(summary) {
  hear_signals();
}

void Watch::look(const Progress& p) {
  if (asked_to_stop()) throw Interrupted("by the user");
  const double wall = std::chrono::duration<double>(Clock::now() - start_).count();
  if (wall > max_wall_s_) throw LimitReached(fmt::format("more than {} of wall time", show_duration(max_wall_s_)));
  if (!first_) first_ = p;
  if (summary_ && p.test_accuracy && (accuracies_.empty() || accuracies_.back() != *p.test_accuracy))
    accuracies_.push_back(*p.test_accuracy);
  if (!line_.is_due()) return;
  const std::string left = p.fraction > first_->fraction + 0.001
                               ? show_duration(wall * (1 - p.fraction) / (p.fraction - first_->fraction))
                               : "?";
  line_.show(summary_ ? summary_of(p, wall, left) : line_of(p, left));
}

std::string Watch::line_of(const Progress& p, const std::string& left) const {
  return fmt::format("{:5.1f} %  simulated {}  step {:.6g}  epoch {:.2f}{}  ETA {}", 100 * p.fraction,
                     show_duration(p.simulated_time_s), p.steps, p.epochs,
                     p.test_accuracy ? fmt::format("  accuracy {:.4f}", *p.test_accuracy) : "", left);
}

std::string Watch::summary_of(const Progress& p, double wall, const std::string& left) const {
  std::string text =
      fmt::format("{} {:5.1f} %   after {}, ETA {}\n", bar_of(p.fraction), 100 * p.fraction, show_duration(wall), left);
  text += fmt::format("  simulated  {}   step {:.6g}   epoch {:.2f}\n", show_duration(p.simulated_time_s), p.steps,
                      p.epochs);
  text += fmt::format("  speed      {:.4g} x as fast as the cluster, {:.4g} steps/s",
                      (p.simulated_time_s - first_->simulated_time_s) / wall, (p.steps - first_->steps) / wall);
  if (!accuracies_.empty())
    text += fmt::format("\n  accuracy   {:.4f}, best {:.4f}   {}", accuracies_.back(),
                        *std::max_element(accuracies_.begin(), accuracies_.end()), curve_of(accuracies_));
  return text;
}

}  // namespace paceline
