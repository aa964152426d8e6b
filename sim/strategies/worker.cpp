#include "sim/strategies/worker.hpp"

#include <fmt/format.h>

#include "sim/strategies/server.hpp"

namespace paceline {
namespace {

// A push to the servers and the pull of their answers: bytes on the way there, queue at the server (its service
// included), wait while the server holds the answer for others, bytes on the way back. Of several shards visited at
// once the one that answered last counts.
class Exchange final : public Blocking {
 public:
  Exchange(Training& training, int worker, bool series) : training_(training), worker_(worker), series_(series) {}
  void split(Time from, Time to, const Spend& spend) const override {
    if (series_) {
      for (int s = 0; s < training_.shards() && visited(s, from); ++s) visit(s, to, spend);
    } else {
      int last = 0;
      for (int s = 1; s < training_.shards(); ++s)
        if (request(s).received > request(last).received) last = s;
      visit(last, to, spend);
    }
    spend(Activity::communication, to);
  }

 private:
  const Request& request(int shard) const { return training_.server(shard).queue().request(worker_); }
  bool visited(int shard, Time from) const { return request(shard).sent >= from; }
  void visit(int shard, Time to, const Spend& spend) const {
    const Request& r = request(shard);
    spend(Activity::communication, std::min(r.arrived, to));
    spend(Activity::queue, std::min(r.served, to));
    spend(Activity::wait, std::min({r.all_in, r.answered, to}));
    spend(Activity::queue, std::min(r.answered, to));
    spend(Activity::communication, std::min(r.received, to));
  }
  Training& training_;
  int worker_;
  bool series_;
};

}  // namespace

Worker::Worker(Training& training, int rank)
    : training_(training), rank_(rank), parts_through_(training.engine(), fmt::format("backward of worker {}", rank)) {}

Parameters Worker::initial() const {
  const int shards = std::max(1, training_.shards());
  if (shards == 1) return {Version{0, training_.initial()}};
  Parameters x;
  for (int s = 0; s < shards; ++s) x.push_back(training_.server(s).version());
  return x;
}

GradientRef Worker::next_gradient(Parameters x) {
  close_row();
  current_ = training_.pool().make(rank_, steps_, std::move(x));
  current_->jitter = training_.cluster().jitter(rank_, steps_);
  row_ = {.worker = rank_, .step = steps_, .start = training_.engine().now(), .samples = current_->samples};
  ++steps_;
  return current_;
}

Task<> Worker::compute(GradientRef gradient) {
  const StepCost cost = training_.cost().step(rank_, gradient->step, gradient->samples);
  const double forward = cost.forward * gradient->jitter, backward = cost.backward * gradient->jitter;
  Device& device = training_.cluster().device(rank_);
  computing_ = true;
  device.begin();
  for (double share : parts_) {
    co_await device.reach(forward + share * backward);
    parts_through_.arrive();
  }
  co_await device.reach(forward + backward);
  settle();
  computing_ = false;
  computed_at_ = training_.engine().now();
  gradient->computed_on_device = true;
}

Task<> Worker::compute_part(GradientRef gradient, double from, double until) {
  const StepCost cost = training_.cost().step(rank_, gradient->step, gradient->samples);
  const auto work = [&](double point) {
    return (std::min(point, 1.0) * cost.forward + std::max(point - 1, 0.0) * cost.backward) * gradient->jitter;
  };
  settle();
  computing_ = true;
  Device& device = training_.cluster().device(rank_);
  device.begin();
  co_await device.reach(work(until) - work(from));
  settle();
  computing_ = false;
  if (until < 2) co_return;
  computed_at_ = training_.engine().now();
  gradient->computed_on_device = true;
}

Task<> Worker::update(GradientRef gradient, double share) {
  const double seconds =
      share * training_.cost().step(rank_, gradient->step, gradient->samples).update * gradient->jitter;
  if (seconds == 0) co_return;
  Device& device = training_.cluster().device(rank_);
  computing_ = true;
  device.begin();
  co_await device.reach(seconds);
  settle();
  computing_ = false;
}

Task<Parameters> Worker::exchange(GradientRef gradient) {
  const int shards = training_.shards();
  const bool series = training_.cluster().spec().servers.series;
  pushed_ = std::move(gradient);
  answer_.resize(std::size_t(shards));
  const Exchange exchange(training_, rank_, series);
  blocked_on_ = &exchange;
  Arrivals& answers = training_.answers()[std::size_t(rank_)];
  const std::uint64_t before = answers.count();
  for (int s = 0; s < shards; ++s) {
    training_.server(s).queue().send(rank_);
    if (series) co_await answers.reach(before + std::uint64_t(s) + 1);
  }
  co_await answers.reach(before + std::uint64_t(shards));
  settle();
  blocked_on_ = nullptr;
  pushed_.reset();
  co_return std::move(answer_);
}

Task<> Worker::blocked(Task<> task, const Blocking& on) {
  blocked_on_ = &on;
  co_await task;
  settle();
  blocked_on_ = nullptr;
}

void Worker::spend(Activity activity, Time until) {
  if (until <= since_) return;
  spent_[std::size_t(activity)] += until - since_;
  row_.spent[std::size_t(activity)] += until - since_;
  since_ = until;
}

// Has nothing to do any more while others finish: no part of a batch.
void Worker::idle(Time until) {
  spent_[std::size_t(Activity::wait)] += until - since_;
  since_ = until;
}

// Accounts for the time up to now.
void Worker::settle() {
  const Time now = training_.engine().now();
  if (blocked_on_ && !computing_)
    blocked_on_->split(since_, now, [&](Activity activity, Time until) { spend(activity, until); });
  else if (computing_) spend(Activity::compute, now);
  else idle(now);
}

void Worker::close_row() {
  if (current_) closed_.emplace_back(std::move(current_), row_);
  write_rows();
}

// A batch's row is written once its gradient has become part of the parameters of all.
void Worker::write_rows() {
  for (; !closed_.empty() && closed_.front().first->applied; closed_.pop_front()) {
    auto& [gradient, row] = closed_.front();
    row.train_loss = gradient->loss;
    row.staleness = gradient->staleness;
    training_.sink().step(row);
    ++applied_steps_;
    samples_ += row.samples;
  }
}

void Worker::close() {
  settle();
  close_row();
}

}  // namespace paceline
