// Worker: what a strategy sees of one worker. Every instant of it goes to one activity; that is reckoned in here, so
// that no strategy does bookkeeping.
#pragma once
#include <array>
#include <deque>

#include "sim/strategies/training.hpp"

namespace paceline {

// Something a worker is blocked on that knows afterwards what the time went to.
class Blocking {
 public:
  // Calls spend(activity, until) for the consecutive parts of [from, to], in order; the last `until` is `to`.
  using Spend = std::function<void(Activity, Time until)>;
  virtual void split(Time from, Time to, const Spend& spend) const = 0;

 protected:
  ~Blocking() = default;
};

class Worker {
 public:
  Worker(Training& training, int rank);
  Worker(const Worker&) = delete;

  int rank() const { return rank_; }
  Training& training() const { return training_; }
  bool finished() const { return training_.finished() || training_.enough(steps_); }
  Parameters initial() const;

  // The gradient of this worker's next batch at x. Takes no time; compute() does.
  GradientRef next_gradient(Parameters x);
  // Forward and backward on this worker's device.
  Task<> compute(GradientRef gradient);
  // A part of it: from one point to another, of which 0 … 1 is the forward and 1 … 2 the backward.
  Task<> compute_part(GradientRef gradient, double from, double until);
  // The optimizer on this worker's device, for a share of the parameters.
  Task<> update(GradientRef gradient, double share = 1);
  // Sends the gradient to the servers and waits for the parameters that they answer with.
  Task<Parameters> exchange(GradientRef gradient);
  // Waits for something else; the time is split as it says. Ends with the task.
  Task<> blocked(Task<> task, const Blocking& on);

  // Awaitable: the first `parts` shares of this step's backward are through; see set_parts.
  auto ready(int parts) {
    return parts_through_.reach(std::uint64_t(steps_ - 1) * parts_.size() + std::uint64_t(parts));
  }
  // Shares of the backward's time, ascending, at which communication may start.
  void set_parts(std::vector<double> shares) { parts_ = std::move(shares); }

  // The servers' side.
  const GradientRef& pushed() const { return pushed_; }
  void answered(int shard, Version version) { answer_[std::size_t(shard)] = std::move(version); }

  // For the results.
  std::int64_t steps() const { return applied_steps_; }
  std::int64_t samples() const { return samples_; }
  const std::array<Span, activities>& spent() const { return spent_; }
  std::int64_t begun() const { return steps_; }
  Time computed_at() const { return computed_at_; }  // when the device was last through with a batch
  Span overlapped() const { return overlapped_; }    // communication while the device computed
  void add_overlap(Span span) { overlapped_ += span; }
  void close();

 private:
  void spend(Activity activity, Time until);
  void idle(Time until);
  void settle();
  void close_row();
  void write_rows();

  Training& training_;
  int rank_;
  std::int64_t steps_ = 0;  // batches begun
  std::int64_t applied_steps_ = 0, samples_ = 0;
  Time since_{};  // up to which time is accounted for
  const Blocking* blocked_on_ = nullptr;
  bool computing_ = false;
  std::array<Span, activities> spent_{};
  Time computed_at_{};
  Span overlapped_{};
  std::vector<double> parts_;
  Arrivals parts_through_;
  GradientRef current_, pushed_;
  StepRow row_;
  std::deque<std::pair<GradientRef, StepRow>> closed_;  // not yet applied everywhere
  Parameters answer_;
};

}  // namespace paceline
