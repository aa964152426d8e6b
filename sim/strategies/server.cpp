#include "sim/strategies/server.hpp"

#include "sim/strategies/worker.hpp"

namespace paceline {

Server::Server(Training& training, int shard, int shards)
    : training_(training),
      shard_(shard),
      shards_(shards),
      begin_(shard_begin(training.pool().size(), shard, shards)),
      end_(shard_begin(training.pool().size(), shard + 1, shards)),
      queue_(training.engine(), training.cluster(), shard, training.cost().gradient_bytes() / shards,
             training.answers(), training.traffic(), training.message_log()) {
  if (!training.pool().real()) return;
  const Values& initial = *training.initial();
  values_ = std::make_shared<Values>(initial.begin() + std::ptrdiff_t(begin_), initial.begin() + std::ptrdiff_t(end_));
  version_.values = values_;
  optimizer_ = training.optimizer().make(training.pool().tensor_sizes(begin_, end_));
}

Task<GradientRef> Server::next() {
  settle_request();
  const int worker = co_await queue_.next();
  if (training_.finished()) co_await training_.engine().sleep(Span::max());
  taken_ = worker;
  co_return training_.worker(worker).pushed();
}

void Server::settle_request() {
  if (taken_ >= 0) queue_.done(taken_);
  taken_ = -1;
}

Task<> Server::apply(GradientRef gradient, double rate_scale) {
  const double seconds = training_.cost().server_update() / shards_ * gradient->jitter;
  if (seconds > 0) co_await spend_update(seconds);
  const std::int64_t behind = staleness(gradient);
  step(training_.pool().value(gradient), rate_scale);
  gradient->staleness = std::max(gradient->staleness, behind);
  if (++gradient->shards_applied < shards_) co_return;
  training_.applied(*gradient, gradient->staleness);
  training_.updated(false);
}

Task<> Server::apply_mean(std::vector<GradientRef> gradients) {
  for (const GradientRef& g : gradients) queue_.all_in(g->worker);
  const double seconds = training_.cost().server_update() / shards_;
  if (seconds > 0) co_await spend_update(seconds);
  bool everywhere = true;
  for (const GradientRef& g : gradients) {
    g->staleness = std::max(g->staleness, staleness(g));
    everywhere = ++g->shards_applied == shards_ && everywhere;
  }
  step(training_.mean(gradients), 1);
  if (!everywhere) co_return;
  for (const GradientRef& g : gradients) training_.applied(*g, g->staleness);
  training_.updated(true);
}

Task<> Server::spend_update(double seconds) { co_await training_.engine().sleep(span_of(seconds)); }

// The next version: in place when nobody else holds this one.
void Server::step(const std::shared_ptr<const Values>& gradient, double rate_scale) {
  ++version_.number;
  if (!gradient) return;
  version_.values.reset();
  auto next = values_.use_count() == 1 ? values_
              : shards_ == 1           ? training_.pool().buffer()
                                       : std::make_shared<Values>(values_->size());
  optimizer_->step(values_->data(), gradient->data() + begin_, next->data(), rate_scale * training_.rate());
  values_ = next;
  version_.values = values_;
}

void Server::answer(int worker) {
  settle_request();
  training_.worker(worker).answered(shard_, version_);
  queue_.answer(worker);
}

}  // namespace paceline
