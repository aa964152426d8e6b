#include "sim/experiment/imbalance.hpp"

#include <algorithm>
#include <cmath>

namespace paceline {
namespace {

constexpr std::size_t most_open = 1024;
constexpr double bin_width = 0.001;  // of log max ÷ mean

}  // namespace

void ImbalanceRecord::add(const StepRow& row) {
  const auto worker = std::size_t(row.worker);
  std::int64_t& latest = latest_[worker];
  if (row.step <= latest)  // it has gone back, and takes these once more
    std::erase_if(open_, [&](const auto& each) { return each.first >= row.step && each.second.has[worker]; });
  latest = row.step;
  if (row.step <= left_out_) return;
  const auto place = open_.try_emplace(row.step).first;
  Open& step = place->second;
  if (step.workers == 0) step.has.resize(latest_.size());
  step.has[worker] = true;
  const double compute = to_seconds(row.spent[std::size_t(Activity::compute)]);
  Span time{0};
  for (const Span span : row.spent) time += span;
  const double off = compute - step.mean;  // Welford's recurrence: of equal numbers nothing is left over
  step.mean += off / double(++step.workers);
  step.squares += off * (compute - step.mean);
  step.most = std::max(step.most, compute);
  step.wait += to_seconds(row.spent[std::size_t(Activity::wait)]);
  step.time += to_seconds(time);
  if (step.workers == latest_.size()) {
    complete(step);
    open_.erase(place);
  } else if (open_.size() > most_open) {
    left_out_ = open_.begin()->first;
    open_.erase(open_.begin());
  }
}

void ImbalanceRecord::complete(const Open& step) {
  if (step.mean == 0 || step.time == 0) return;
  const double over = std::max(0.0, step.most / step.mean - 1);
  ++sums_.steps;
  sums_.mean += over;
  sums_.largest = std::max(sums_.largest, over);
  sums_.coefficient_of_variation += std::sqrt(step.squares / double(step.workers)) / step.mean;
  sums_.wait_share += step.wait / step.time;
  sums_.largest_wait_share = std::max(sums_.largest_wait_share, step.wait / step.time);
  const auto bin = std::size_t(std::log1p(over) / bin_width);
  if (bin >= bins_.size()) bins_.resize(bin + 1);
  ++bins_[bin].steps;
  bins_[bin].largest = std::max(bins_[bin].largest, over);
}

// The largest value in the bin that it falls into.
double ImbalanceRecord::percentile(double share) const {
  std::int64_t below = 0;
  for (const Bin& bin : bins_)
    if ((below += bin.steps) > 0 && double(below) >= share * double(sums_.steps)) return bin.largest;
  return 0;
}

StepImbalance ImbalanceRecord::summary() const {
  StepImbalance all = sums_;
  if (all.steps == 0) return all;
  const auto n = double(all.steps);
  all.mean /= n;
  all.coefficient_of_variation /= n;
  all.wait_share /= n;
  all.p50 = percentile(0.5);
  all.p95 = percentile(0.95);
  return all;
}

}  // namespace paceline
