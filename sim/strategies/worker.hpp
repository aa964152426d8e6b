// Worker: what a strategy sees of one worker. Every instant of it goes to one activity; that is reckoned in here, so
// that no strategy does bookkeeping.
#pragma once
#include <array>
#include <optional>

#include "sim/strategies/path.hpp"
#include "sim/strategies/training.hpp"

namespace paceline {

// Something a worker is blocked on that knows afterwards what the time went to.
class Blocking {
 public:
  // Calls spend(activity, until, on) for the consecutive parts of [from, to], in order; the last `until` is `to`. `on`:
  // the worker that a wait was for, or nobody.
  using Spend = std::function<void(Activity, Time until, int on)>;
  virtual void split(Time from, Time to, const Spend& spend) const = 0;
  // The path of the worker that was blocked, at `to`, is replaced where another one led there.
  virtual void hand_over(Time /*from*/, Time /*to*/, Path& /*path*/) const {}

 protected:
  ~Blocking() = default;
};

class Worker {
 public:
  Worker(Training& training, int rank);
  Worker(const Worker&) = delete;

  int rank() const { return rank_; }
  Training& training() const { return training_; }
  bool finished() const {
    return training_.finished() || training_.phase_is_over() || training_.enough(steps_ - steps_before_);
  }
  // What it starts from: the initial parameters, or those that it has pulled after a failure.
  Parameters initial() const;
  // Batches that it has begun in this phase.
  std::int64_t steps_in_phase() const { return steps_ - steps_before_; }

  // The gradient of this worker's next batch, or of several, at x. Takes no time; compute() does.
  GradientRef next_gradient(Parameters x, int batches = 1);
  // Forward and backward on this worker's device.
  Task<> compute(GradientRef gradient);
  // A part of it: from one point to another, of which 0 … 1 is the forward and 1 … 2 the backward.
  Task<> compute_part(GradientRef gradient, double from, double until);
  // The optimizer on this worker's device, for a share of the parameters.
  Task<> update(GradientRef gradient, double share = 1);
  // Sends the gradient to the servers and waits for the parameters that they answer with. `bytes`, if given, are sent
  // in place of the gradient's.
  Task<Parameters> exchange(GradientRef gradient, std::optional<double> bytes = {});
  // Sends the gradient to the servers, and does not wait.
  void push(const GradientRef& gradient);
  // Works until all servers have sent parameters newer than x, of their own accord, and gives them; what is not done by
  // then is abandoned: gradients under way are cancelled or, if complete, dropped.
  Task<Parameters> until_newer(Parameters x, Task<> work);
  // Waits for something else; the time is split as it says. Ends with the task.
  Task<> blocked(Task<> task, const Blocking& on);
  // Gives up what it was at, whose coroutine is gone; or all its gradients that were not decided on.
  void abandon();
  void abandon_all();
  // Of the gradient that it is at.
  std::int64_t open_batches() const {
    return current_ && current_->fate == Gradient::Fate::under_way ? current_->batches : 0;
  }
  // Its device has failed. What no server has taken is lost; the batch that it was at will be taken once more. Gives
  // the time since that was begun.
  Span fail();
  // Back after a failure: pulls the parameters as they are, which it then starts from.
  Task<Parameters> pull();
  std::int64_t pulled(int shard) const { return pulled_[std::size_t(shard)].number; }
  // Goes back to a step that it was about to begin, with so many behind it; what it was at is abandoned.
  void go_back(std::int64_t step, std::int64_t through, std::int64_t samples);
  // Writes what has been decided on.
  void settle_rows() { write_rows(); }
  // Waits for a task; all that time is an activity, whatever the worker was blocked on.
  Task<> spends(Activity activity, Task<> task);
  // Waits for a task that another worker makes end: for nobody until `last` says for whom.
  Task<> waits(Task<> task, const int& last);

  // Awaitable: the first `parts` shares of this step's backward are through; see set_parts.
  auto ready(int parts) { return parts_through_.reach(parts_before_ + std::uint64_t(parts)); }
  // Shares of the backward's time, ascending, at which communication may start.
  void set_parts(std::vector<double> shares) { parts_ = std::move(shares); }

  // The servers' side: a version is on its way; the next one that was is here.
  void expect(int shard, Version version, Path path) {
    coming_[std::size_t(shard)].push_back({std::move(version), std::move(path)});
  }
  void receive(int shard);
  // Up to the latest answer of a server.
  const Path& path_of_answer(int shard) const { return answer_paths_[std::size_t(shard)]; }

  // A new phase: no answer is on its way, no part of a backward is waited for.
  void restart();

  // For the results.
  std::int64_t steps() const { return through_steps_; }
  std::int64_t samples() const { return samples_; }
  const std::array<Span, activities>& spent() const { return spent_; }
  std::int64_t begun() const { return begun_; }
  // A trace hears of a bucket's, or another collective's, way: since when its bytes moved.
  void tell_communication(const char* what, std::int64_t number, Time from, Time until, Time moving,
                          double bytes) const;
  std::int64_t current_step() const { return current_ ? current_->step : steps_; }
  Time computed_at() const { return computed_at_; }  // when the device was last through with a batch
  Span overlapped() const { return overlapped_; }    // communication while the device computed
  void add_overlap(Span span) { overlapped_ += span; }
  // What has led to where it is now.
  const Path& path() {
    settle();
    return path_;
  }
  void close();

 private:
  // While it lives, the worker computes, or is blocked; its end settles the account, also when a coroutine is
  // destroyed.
  class Computing {
   public:
    explicit Computing(Worker& worker) : worker_(worker) {
      worker.settle();
      worker.computing_ = true;
      worker.told_ = worker.since_;
    }
    ~Computing() {
      worker_.settle();
      worker_.tell_cut_off();
      worker_.computing_ = false;
    }
    Computing(const Computing&) = delete;

   private:
    Worker& worker_;
  };
  class Blocked {
   public:
    Blocked(Worker& worker, const Blocking& on) : worker_(worker) { worker.blocked_on_ = &on; }
    ~Blocked() {
      worker_.settle();
      worker_.blocked_on_ = nullptr;
    }
    Blocked(const Blocked&) = delete;

   private:
    Worker& worker_;
  };

  // While it lives, time is an activity; if that is to wait, for the worker that `last` says.
  class Spending {
   public:
    Spending(Worker& worker, Activity activity, const int& last = nobody) : worker_(worker) {
      worker.settle();
      worker.spending_ = activity;
      worker.waits_for_ = &last;
    }
    ~Spending() {
      worker_.settle();
      worker_.spending_.reset();
    }
    Spending(const Spending&) = delete;

   private:
    Worker& worker_;
  };

  StepCost drawn(const Gradient& gradient, std::int64_t step) const;
  void record_cost(std::int64_t step);
  Task<> compute_pieces(GradientRef gradient);
  // What has been computed since the last time that it was told, for a trace.
  void tell(const char* what, std::int64_t number, Time until);
  void tell_cut_off();
  void tell_backward(const Gradient& gradient, std::size_t part);
  void tell_step() const;
  void tell_exchange() const;
  void tell_blocked(Activity activity, Time until, int on) const;
  Task<> pass(Span span);
  void through(Gradient& gradient);
  Task<> newer(const Parameters& x);
  Task<> then_wait(Task<> work);
  Parameters take_newest();
  void spend(Activity activity, Time until, int on = nobody);
  void idle(Time until);
  void settle();
  void close_row();
  void write_rows();

  Training& training_;
  int rank_;
  std::int64_t steps_ = 0, steps_before_ = 0;  // batches begun that count; before this phase
  std::int64_t begun_ = 0;                     // all
  std::int64_t through_steps_ = 0, samples_ = 0;
  struct Coming {
    Version version;
    Path path;
  };
  Time since_{};  // up to which time is accounted for
  Path path_;     // up to then
  const Blocking* blocked_on_ = nullptr;
  std::optional<Activity> spending_;
  const int* waits_for_ = nullptr;  // while spending
  bool computing_ = false;
  Time told_{};                // while it computes
  GradientRef exchanged_;      // what it exchanges; outlasts a failure
  double exchanged_each_ = 0;  // bytes for every server
  bool resumes_ = false;       // some of the servers have taken it
  std::array<Span, activities> spent_{};
  Time computed_at_{};
  Span on_device_{0};  // what computing the current gradient has taken
  Span overlapped_{};
  std::vector<double> parts_;
  Arrivals parts_through_;
  std::uint64_t parts_before_ = 0;  // through before the current gradient
  GradientRef current_;
  StepRow row_;
  std::vector<std::pair<GradientRef, StepRow>> closed_;  // not yet decided on everywhere: one or two
  Arrivals answers_;
  Parameters newest_;                        // by shard, as received
  Parameters pulled_;                        // after a failure
  std::vector<std::vector<Coming>> coming_;  // by shard
  std::vector<Path> answer_paths_;           // by shard
};

}  // namespace paceline
