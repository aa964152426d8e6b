#include "sim/strategies/server.hpp"

#include "sim/strategies/worker.hpp"

namespace paceline {

Server::Server(Training& training, int shard, int shards)
    : training_(training),
      shard_(shard),
      shards_(shards),
      begin_(shard_begin(training.pool().size(), shard, shards)),
      end_(shard_begin(training.pool().size(), shard + 1, shards)),
      queue_(
          training.engine(), training.cluster(), shard, training.cost().gradient_bytes() / shards,
          [this](int worker) { training_.worker(worker).receive(shard_); }, training.traffic(), training.message_log()),
      answered_(std::size_t(training.workers())),
      taken_steps_(answered_.size(), -1),
      owes_(answered_.size()),
      cut_off_(answered_.size()),
      released_by_(answered_.size(), nobody) {
  queue_.watch(training_.timeline());
  restart();
}

void Server::restart() {
  queue_.restart();
  taken_ = -1;
  version_ = {};
  std::fill(answered_.begin(), answered_.end(), 0);
  owes_.assign(owes_.size(), false);
  taken_steps_.assign(taken_steps_.size(), -1);
  if (!training_.pool().real()) return;
  const Values& initial = *training_.initial();
  values_ = std::make_shared<Values>(initial.begin() + std::ptrdiff_t(begin_), initial.begin() + std::ptrdiff_t(end_));
  version_.values = values_;
  optimizer_ = training_.optimizer().make(training_.pool().tensor_sizes(begin_, end_));
}

Task<GradientRef> Server::next() {
  settle_request();
  const ParameterServer::Taken taken = co_await queue_.next();
  if (training_.finished()) co_await training_.engine().sleep(Span::max());
  latest_ = taken_ = taken.worker;
  owes_[std::size_t(taken.worker)] = true;
  Sent& sent = sent_[taken.slot];
  GradientRef gradient = std::move(sent.gradient);
  if (taken.waited_for) {
    path_ = std::move(sent.path);
    path_.add(Activity::communication, taken.arrived);
  }
  path_.add(Activity::queue, training_.engine().now());
  gradient->at_server = true;
  taken_steps_[std::size_t(taken.worker)] = gradient->step;
  co_return gradient;
}

void Server::settle_request() {
  if (taken_ >= 0) queue_.done(taken_);
  taken_ = -1;
}

Task<> Server::apply(GradientRef gradient, double rate_scale) {
  const double seconds = training_.cost().server_update() / shards_ * gradient->jitter;
  if (seconds > 0) co_await spend_update(seconds);
  gradient->staleness = std::max(gradient->staleness, staleness(gradient));
  const auto value = training_.wire().value(gradient);
  step(value ? value->data() + begin_ : nullptr, rate_scale);
  settle(gradient, true);
  training_.stepped(false);
}

Task<> Server::apply(GradientRef gradient, Correction correction) {
  const double seconds = training_.cost().server_update() / shards_ * gradient->jitter;
  if (seconds > 0) co_await spend_update(seconds);
  gradient->staleness = std::max(gradient->staleness, staleness(gradient));
  const auto value = training_.wire().value(gradient);
  if (value) {
    corrected_.assign(value->begin() + std::ptrdiff_t(begin_), value->begin() + std::ptrdiff_t(end_));
    correction(corrected_, *values_, *gradient->at[std::size_t(shard_)].values);
  }
  step(value ? corrected_.data() : nullptr, 1);
  settle(gradient, true);
  training_.stepped(false);
}

Task<> Server::apply_mean(std::vector<GradientRef> gradients, bool iteration) {
  for (const GradientRef& g : gradients) queue_.all_in(g->worker);
  const double seconds = training_.cost().server_update() / shards_;
  if (seconds > 0) co_await spend_update(seconds);
  for (const GradientRef& g : gradients) g->staleness = std::max(g->staleness, staleness(g));
  const auto mean = training_.mean(gradients);
  step(mean ? mean->data() + begin_ : nullptr, 1);
  for (const GradientRef& g : gradients) settle(g, true);
  training_.stepped(iteration);
}

void Server::drop(const GradientRef& gradient) {
  training_.wire().lost(gradient);
  settle(gradient, false);
}

void Server::accept(const GradientRef& gradient, std::int64_t staleness) {
  gradient->staleness = std::max(gradient->staleness, staleness);
  settle(gradient, true);
}

void Server::settle(const GradientRef& gradient, bool applied) {
  gradient->shards_applied += applied;
  if (++gradient->shards_through < shards_) return;
  if (gradient->shards_applied > 0) training_.applied(*gradient, gradient->staleness);
  else training_.dropped(*gradient);
}

Task<> Server::spend_update(double seconds) {
  const Time from = training_.engine().now();
  co_await training_.engine().sleep(span_of(seconds));
  if (Timeline* timeline = training_.timeline())
    timeline->span({.at_server = true,
                    .who = shard_,
                    .what = "update",
                    .on = latest_,
                    .from = from,
                    .until = training_.engine().now()});
}

// Room for the next version: in place when nobody else holds this one.
std::shared_ptr<Values> Server::next_values() {
  version_.values.reset();
  return values_.use_count() == 1 ? values_
         : shards_ == 1           ? training_.pool().buffer()
                                  : std::make_shared<Values>(values_->size());
}

void Server::lead() {
  path_.add(Activity::queue, training_.engine().now());
  training_.led_by(path_);
}

void Server::step(const float* gradient, double rate_scale) {
  ++version_.number;
  lead();
  if (!gradient) return;
  auto next = next_values();
  optimizer_->step(values_->data(), gradient, next->data(), rate_scale * training_.rate());
  values_ = next;
  version_.values = values_;
}

void Server::change(const std::function<void(std::span<float> values)>& change) {
  ++version_.number;
  lead();
  if (values_) {
    auto next = next_values();
    if (next != values_) *next = *values_;
    change(*next);
    values_ = next;
    version_.values = values_;
  }
  training_.stepped(false);
}

void Server::answer(int worker) {
  settle_request();
  answer_anyhow(worker);
}

void Server::answer_anyhow(int worker) {
  owes_[std::size_t(worker)] = false;
  if (cut_off_[std::size_t(worker)]) return;
  answered_[std::size_t(worker)] = version_.number;
  released_by_[std::size_t(worker)] = latest_;
  path_.add(Activity::queue, training_.engine().now());
  if (path_.worker() != worker) path_.share();
  training_.worker(worker).expect(shard_, version_, path_);
  queue_.answer(worker);
}

void Server::answer_all() {
  for (int worker = 0; worker < workers(); ++worker) answer(worker);
}

void Server::send(const GradientRef& gradient, double bytes) {
  const ParameterServer::Slot slot = queue_.send(gradient->worker, bytes);
  if (slot >= sent_.size()) sent_.resize(slot + 1);
  sent_[slot] = {gradient, training_.worker(gradient->worker).path()};
}

void Server::cut_off(int worker, const Gradient* kept) {
  for (const ParameterServer::Slot slot : queue_.withdraw(worker))
    if (const GradientRef gradient = std::move(sent_[slot].gradient); gradient && gradient.get() != kept)
      settle(gradient, false);
  queue_.withhold(worker);
  cut_off_[std::size_t(worker)] = true;
}

void Server::withdraw(int worker) {
  for (const ParameterServer::Slot slot : queue_.withdraw(worker))
    if (const GradientRef gradient = std::move(sent_[slot].gradient)) settle(gradient, false);
}

}  // namespace paceline
