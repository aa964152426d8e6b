#include "sim/strategies/worker.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/strategies/server.hpp"

namespace paceline {
namespace {

// A push to the servers and the pull of their answers: bytes on the way there, queue at the server (its service
// included), wait while the server holds the answer for others (for the one whose request made it answer), bytes on the
// way back. Of several shards visited at once the one that answered last counts.
class Exchange final : public Blocking {
 public:
  Exchange(Training& training, int worker, bool series) : training_(training), worker_(worker), series_(series) {}
  void split(Time, Time to, const Spend& spend) const override {
    if (series_) {
      for (int s = 0; s < training_.shards(); ++s)
        if (request(s).sent >= since_) visit(s, to, spend);
    } else {
      int last = 0;
      for (int s = 1; s < training_.shards(); ++s)
        if (request(s).received > request(last).received) last = s;
      visit(last, to, spend);
    }
    spend(Activity::communication, to, nobody);
  }
  void hand_over(Time, Time to, Path& path) const override {
    for (int s = 0; s < training_.shards(); ++s)
      if (request(s).received == to) path = training_.worker(worker_).path_of_answer(s);
    path.add(Activity::communication, to);
  }

 private:
  const Request& request(int shard) const { return training_.server(shard).queue().request(worker_); }
  void visit(int shard, Time to, const Spend& spend) const {
    const Request& r = request(shard);
    const int on = r.answered <= to ? training_.server(shard).released_by(worker_) : nobody;
    spend(Activity::communication, std::min(r.arrived, to), nobody);
    spend(Activity::queue, std::min(r.served, to), nobody);
    spend(Activity::wait, std::min({r.all_in, r.answered, to}), on);
    spend(Activity::queue, std::min(r.answered, to), nobody);
    spend(Activity::communication, std::min(r.received, to), nobody);
  }
  Training& training_;
  int worker_;
  bool series_;
  Time since_ = training_.engine().now();
};

// Taking work from a queue that all share.
class AtTheQueue final : public Blocking {
 public:
  void split(Time, Time to, const Spend& spend) const override { spend(Activity::queue, to, nobody); }
};

}  // namespace

Worker::Worker(Training& training, int rank)
    : training_(training),
      rank_(rank),
      path_(training.workers() <= most_blamed_workers ? training.workers() : 0),
      parts_through_(training.engine(), fmt::format("backward of worker {}", rank)),
      answers_(training.engine(), fmt::format("answers to worker {}", rank)) {}

Parameters Worker::initial() const {
  if (!pulled_.empty()) return pulled_;
  const int shards = std::max(1, training_.shards());
  if (shards == 1) return {Version{0, training_.initial()}};
  Parameters x;
  for (int s = 0; s < shards; ++s) x.push_back(training_.server(s).version());
  return x;
}

GradientRef Worker::next_gradient(Parameters x, int batches) {
  training_.began(batches);
  close_row();
  current_ = training_.pool().make(rank_, steps_, std::move(x), batches);
  current_->jitter = training_.cluster().jitter(rank_, steps_);
  row_ = {.worker = rank_, .step = steps_, .start = training_.engine().now(), .samples = current_->samples};
  if (training_.sink().wants_costs())
    for (int k = 0; k < batches; ++k) record_cost(steps_ + k);
  if (Timeline* timeline = training_.timeline()) timeline->begins(rank_, steps_, training_.engine().now());
  steps_ += batches;
  begun_ += batches;
  pulled_.clear();
  on_device_ = Span{0};
  parts_before_ = parts_through_.count();
  return current_;
}

// What one of a gradient's batches takes at nominal speed, as it was drawn.
StepCost Worker::drawn(const Gradient& gradient, std::int64_t step) const {
  const Cluster& cluster = training_.cluster();
  const double jitter = step == gradient.step ? gradient.jitter : cluster.jitter(rank_, step);
  const StepCost nominal = training_.cost().step(rank_, step, gradient.samples / gradient.batches);
  return cluster.struck(rank_, step, {nominal.forward * jitter, nominal.backward * jitter, nominal.update * jitter});
}

void Worker::record_cost(std::int64_t step) {
  const StepCost cost = drawn(*current_, step);
  training_.sink().cost({rank_, step, cost.forward, cost.backward, cost.update});
}

Task<> Worker::compute(GradientRef gradient) {
  if (Gate* gate = training_.gate(); gate && gate->stops(gradient->step - steps_before_)) co_await gate->pass(*this);
  if (training_.pool().piecemeal()) {
    co_await compute_pieces(gradient);
    co_return;
  }
  const Computing computing(*this);
  const Time start = training_.engine().now();
  Device& device = training_.cluster().device(rank_);
  device.begin();
  double done = 0;
  const std::int64_t last = gradient->step + gradient->batches - 1;
  for (std::int64_t step = gradient->step; step < last; ++step) {
    const StepCost cost = drawn(*gradient, step);
    done += cost.forward + cost.backward;
  }
  const StepCost cost = drawn(*gradient, last);
  const double rest = cost.backward + training_.wire().seconds();  // a part is encoded as soon as backward yields it
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    co_await device.reach(done + cost.forward + parts_[part] * rest);
    tell_backward(*gradient, part);
    parts_through_.arrive();
  }
  co_await device.reach(done + cost.forward + rest);
  tell_backward(*gradient, parts_.size());
  on_device_ += training_.engine().now() - start;
  through(*gradient);
}

// Micro-batches, as long as there are some, taken in the order (time, worker); what they sum to is encoded after the
// last.
Task<> Worker::compute_pieces(GradientRef gradient) {
  Device& device = training_.cluster().device(rank_);
  const Span overhead = training_.pool().balance()->overhead();
  const AtTheQueue at_the_queue;
  for (bool first = true;; first = false) {
    co_await training_.engine().turn(std::uint32_t(rank_));
    const int samples = training_.pool().take(*gradient);
    if (samples == 0) break;
    if (overhead > Span{0}) co_await blocked(pass(overhead), at_the_queue);
    const StepCost nominal = training_.cost().step(rank_, gradient->step, samples);
    StepCost cost{nominal.forward * gradient->jitter, nominal.backward * gradient->jitter, 0};
    if (first) cost = training_.cluster().struck(rank_, gradient->step, cost);
    const Computing computing(*this);
    device.begin();
    co_await device.reach(cost.forward + cost.backward);
    tell("micro-batch", -1, training_.engine().now());
  }
  if (training_.wire().seconds() > 0) {
    const Computing computing(*this);
    device.begin();
    co_await device.reach(training_.wire().seconds());
  }
  through(*gradient);
}

Task<> Worker::pass(Span span) { co_await training_.engine().sleep(span); }

void Worker::through(Gradient& gradient) {
  computed_at_ = training_.engine().now();
  gradient.computed_on_device = true;
  if (Balance* balance = training_.pool().balance()) balance->measured(rank_, gradient.samples, on_device_);
}

Task<> Worker::compute_part(GradientRef gradient, double from, double until) {
  if (Gate* gate = training_.gate(); gate && from == 0 && gate->stops(gradient->step - steps_before_))
    co_await gate->pass(*this);
  const StepCost cost = drawn(*gradient, gradient->step);
  const auto work = [&](double point) {
    return std::min(point, 1.0) * cost.forward +
           std::max(point - 1, 0.0) * (cost.backward + training_.wire().seconds());
  };
  const Computing computing(*this);
  Device& device = training_.cluster().device(rank_);
  device.begin();
  const Time start = training_.engine().now();
  co_await device.reach(work(until) - work(from));
  tell(from < 1 ? "forward" : "backward", -1, training_.engine().now());
  on_device_ += training_.engine().now() - start;
  if (until >= 2) through(*gradient);
}

Task<> Worker::update(GradientRef gradient, double share) {
  const double seconds = share * drawn(*gradient, gradient->step).update;
  if (seconds == 0) co_return;
  const Computing computing(*this);
  Device& device = training_.cluster().device(rank_);
  device.begin();
  co_await device.reach(seconds);
  tell("update", -1, training_.engine().now());
}

Task<Parameters> Worker::exchange(GradientRef gradient, std::optional<double> bytes) {
  const int shards = training_.shards();
  const bool series = training_.cluster().spec().servers.series;
  const Exchange exchange(training_, rank_, series);
  const Blocked blocked(*this, exchange);
  const double each = bytes.value_or(training_.wire().bytes(gradient->step)) / shards;
  newest_.resize(std::size_t(shards));
  coming_.resize(std::size_t(shards));
  const std::uint64_t before = answers_.count();
  exchanged_ = gradient;
  exchanged_each_ = each;
  for (int s = 0; s < shards; ++s) {
    training_.server(s).send(gradient, each);
    if (series) co_await answers_.reach(before + std::uint64_t(s) + 1);
  }
  co_await answers_.reach(before + std::uint64_t(shards));
  tell_exchange();
  exchanged_.reset();
  co_return take_newest();
}

// Keeps the numbers only: a version that nobody holds can be updated in place.
Parameters Worker::take_newest() {
  Parameters taken = newest_;
  for (Version& shard : newest_) shard.values.reset();
  return taken;
}

void Worker::push(const GradientRef& gradient) {
  for (int s = 0; s < training_.shards(); ++s)
    training_.server(s).send(gradient, training_.wire().bytes(gradient->step) / training_.shards());
}

Task<Parameters> Worker::until_newer(Parameters x, Task<> work) {
  newest_.resize(x.size());
  coming_.resize(x.size());
  {
    const Exchange exchange(training_, rank_, false);
    const Blocked blocked(*this, exchange);
    std::vector<Task<>> either;
    either.push_back(newer(x));
    either.push_back(then_wait(std::move(work)));
    co_await first_of(training_.engine(), std::move(either));
  }
  abandon();
  co_return take_newest();
}

Task<> Worker::then_wait(Task<> work) {
  co_await work;
  co_await training_.engine().sleep(Span::max());
}

Task<> Worker::newer(const Parameters& x) {
  const auto all_newer = [&] {
    for (std::size_t s = 0; s < x.size(); ++s)
      if (newest_[s].number <= x[s].number) return false;
    return true;
  };
  while (!all_newer()) co_await answers_.reach(answers_.count() + 1);
}

void Worker::receive(int shard) {
  auto& coming = coming_[std::size_t(shard)];
  newest_[std::size_t(shard)] = std::move(coming.front().version);
  answer_paths_.resize(coming_.size());
  answer_paths_[std::size_t(shard)] = std::move(coming.front().path);
  coming.erase(coming.begin());
  answers_.arrive();
}

void Worker::abandon() {
  for (int s = 0; s < training_.shards(); ++s) training_.server(s).withdraw(rank_);
  if (current_ && !current_->computed_on_device) training_.cancelled(*current_);
}

void Worker::abandon_all() {
  abandon();
  const auto settle_one = [this](Gradient& gradient) {
    if (gradient.computed_on_device) training_.dropped(gradient);
    else training_.cancelled(gradient);
  };
  for (auto& [gradient, row] : closed_) settle_one(*gradient);
  if (current_) settle_one(*current_);
  close_row();
}

Task<> Worker::spends(Activity activity, Task<> task) {
  const Spending spending(*this, activity);
  co_await task;
}

Task<> Worker::waits(Task<> task, const int& last) {
  const Spending spending(*this, Activity::wait, last);
  co_await task;
}

void Worker::restart() {
  pulled_.clear();
  exchanged_.reset();
  resumes_ = false;
  steps_before_ = steps_;
  parts_.clear();
  newest_.clear();
  coming_.clear();
}

Task<> Worker::blocked(Task<> task, const Blocking& on) {
  const Blocked blocked(*this, on);
  co_await task;
}

void Worker::spend(Activity activity, Time until, int on) {
  if (until <= since_) return;
  const Span span = until - since_;
  tell_blocked(activity, until, on);
  spent_[std::size_t(activity)] += span;
  row_.spent[std::size_t(activity)] += span;
  if (activity == Activity::wait) training_.waits().add(rank_, on == rank_ ? nobody : on, span);
  path_.add(activity, until, rank_);
  since_ = until;
}

// Has nothing to do any more while others finish: no part of a batch.
void Worker::idle(Time until) {
  if (until <= since_) return;
  tell_blocked(Activity::wait, until, nobody);
  spent_[std::size_t(Activity::wait)] += until - since_;
  training_.waits().add(rank_, nobody, until - since_);
  path_.add(Activity::wait, until);
  since_ = until;
}

// Accounts for the time up to now.
void Worker::settle() {
  const Time now = training_.engine().now();
  const Time from = since_;
  if (spending_) {
    spend(*spending_, now, *waits_for_);
    if (const int last = *waits_for_; last != nobody && last != rank_ && from < now)
      path_ = training_.worker(last).path();
  } else if (blocked_on_ && !computing_) {
    blocked_on_->split(from, now, [&](Activity activity, Time until, int on) { spend(activity, until, on); });
    blocked_on_->hand_over(from, now, path_);
  } else if (computing_) spend(Activity::compute, now);
  else idle(now);
}

void Worker::close_row() {
  tell_step();
  if (current_) closed_.emplace_back(std::move(current_), row_);
  write_rows();
}

// A batch's row is written once its gradient has become part of the parameters of all, or never will.
void Worker::write_rows() {
  auto at = closed_.begin();
  for (; at != closed_.end() && at->first->fate != Gradient::Fate::under_way; ++at) {
    auto& [gradient, row] = *at;
    const bool applied = gradient->fate == Gradient::Fate::applied;
    row.applied = applied;
    if (applied) row.train_loss = gradient->loss;  // of others it may or may not have been computed
    row.staleness = gradient->staleness;
    row.samples = gradient->samples;
    training_.sink().step(row);
    if (!applied) continue;
    through_steps_ += gradient->batches;
    samples_ += row.samples;
  }
  closed_.erase(closed_.begin(), at);
}

void Worker::close() {
  settle();
  if (computing_) tell_cut_off();
  else if (exchanged_) tell_exchange();
  close_row();
  std::erase_if(closed_, [](const auto& each) { return each.first->fate == Gradient::Fate::under_way; });
  write_rows();
}

}  // namespace paceline
