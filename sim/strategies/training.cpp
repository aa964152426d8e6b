#include "sim/strategies/training.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "sim/strategies/server.hpp"
#include "sim/strategies/strategy.hpp"
#include "sim/strategies/worker.hpp"

namespace paceline {
namespace {

constexpr double nearly = 1 - 1e-12;                // epochs are ratios: 3 * 0.1 is reached at 0.3
constexpr std::int64_t most_evaluations = 100'000;  // the curve is kept in memory

}  // namespace

Training::Training(Setup setup)
    : setup_(std::move(setup)),
      traffic_(std::size_t(workers())),
      communicator_(engine(), cluster().network(), cluster().spec().fidelity, cluster().worker_nodes(), traffic_,
                    message_log()),
      waits_(workers()),
      bounded_(std::size_t(workers())),
      members_(std::size_t(workers())),
      down_(std::size_t(workers())) {
  std::iota(members_.begin(), members_.end(), 0);
  if (timeline_) {
    for (int w = 0; w < workers(); ++w) cluster().device(w).watch(timeline_, w);
    if (timeline_->wants_links()) cluster().network().watch(*timeline_);
  }
  for (int w = 0; w < workers(); ++w) workers_.push_back(std::make_unique<Worker>(*this, w));
  for (int s = 0; s < setup_.cluster.spec().servers.count; ++s)
    servers_.push_back(std::make_unique<Server>(*this, s, setup_.cluster.spec().servers.count));
  const EvaluateRule& every = setup_.evaluate;
  next_steps_ = every.steps ? double(*every.steps) : std::numeric_limits<double>::infinity();
  next_epochs_ = every.epochs.value_or(std::numeric_limits<double>::infinity()) * nearly;
}

Training::~Training() = default;

void Training::start(Strategy& strategy) {
  strategy_ = &strategy;
  cluster().start_disturbances(engine());
  if (setup_.stop.time)
    engine().spawn("the stop time", stop_at(later(Time{}, span_of(*setup_.stop.time))), Engine::Kind::daemon);
  if (setup_.evaluate.time)
    engine().spawn("evaluation", evaluate_every(span_of(*setup_.evaluate.time)), Engine::Kind::daemon);
  for (auto& server : servers_)
    engine().spawn(fmt::format("server {}", server->shard()), strategy.serve(*server), Engine::Kind::daemon);
  for (auto& worker : workers_) engine().spawn(fmt::format("worker {}", worker->rank()), strategy.work(*worker));
  cluster().start_failures(
      engine(), communicator_.hosts(),
      [this](int worker) {
        if (finished()) return;
        ++down_[std::size_t(worker)];
        ++failures_.failures;
        if (timeline_) timeline_->moment({worker, "failure", engine().now(), 1});
        strategy_->failed(worker);
      },
      [this](int worker) {
        if (timeline_) timeline_->moment({worker, "repair", engine().now(), 1});
        if (--down_[std::size_t(worker)] == 0) strategy_->repaired(worker);
      });
}

void Training::go_back(const Tally& then) {
  const Counts now = std::exchange(counts_, then.counts);
  counts_.dropped = now.dropped;
  counts_.cancelled = now.cancelled;
  counts_.gradients = now.gradients;
  counts_.rolled_back = now.rolled_back + now.batches - then.counts.batches;
  failures_.lost_batches += now.batches - then.counts.batches;
  failures_.lost_samples += now.samples - then.counts.samples;
  const bool same_point = evaluations_ == then.evaluations;
  loss_sum_ = same_point ? then.loss_sum : 0;
  loss_count_ = same_point ? then.loss_count : 0;
}

double Training::steps() const {
  return strategy_->global_steps() ? double(counts_.iterations) : double(counts_.batches) / workers();
}

void Training::began(int batches) {
  if (std::exchange(latest_batch_, engine().now()) != engine().now()) batches_now_ = 0;
  batches_now_ += batches;
  if (batches_now_ > setup_.most_at_once)
    throw RunError(
        fmt::format("{} batches took no simulated time: with nothing that costs time a time is never reached",
                    setup_.most_at_once));
}

void Training::applied(Gradient& gradient, std::int64_t staleness) {
  if (std::exchange(gradient.fate, Gradient::Fate::applied) != Gradient::Fate::under_way)
    throw RunError(fmt::format("the gradient of worker {}, step {}, is applied twice, or after it was given up",
                               gradient.worker, gradient.step));
  gradient.staleness = staleness;
  ++counts_.gradients;
  counts_.batches += gradient.batches;
  counts_.samples += gradient.samples;
  if (std::size_t(staleness) >= counts_.staleness.size()) counts_.staleness.resize(std::size_t(staleness) + 1);
  ++counts_.staleness[std::size_t(staleness)];
  if (gradient.loss) {
    loss_sum_ += *gradient.loss;
    ++loss_count_;
    if (!std::isfinite(*gradient.loss))
      finish("diverged",
             fmt::format("the loss of worker {} at its step {} is not finite", gradient.worker, gradient.step));
  }
  bounds();
}

void Training::settle(Gradient& gradient, Gradient::Fate fate) {
  if (gradient.fate != Gradient::Fate::under_way) return;
  gradient.fate = fate;
  ++counts_.gradients;
  const bool dropped = fate == Gradient::Fate::dropped;
  (dropped ? counts_.dropped : counts_.cancelled) += gradient.batches;
  if (timeline_)
    timeline_->moment(
        {gradient.worker, dropped ? "dropped gradient" : "cancelled gradient", engine().now(), double(gradient.step)});
}

void Training::stepped(bool iteration) {
  std::int64_t oldest = servers_[0]->version().number;
  for (const auto& server : servers_) oldest = std::min(oldest, server->version().number);
  if (oldest > served_version_) updated(iteration);
  served_version_ = oldest;
}

void Training::updated(bool iteration) {
  ++counts_.updates;
  counts_.iterations += iteration;
  if (leader_ && leader_->worker() >= 0) ++bounded_[std::size_t(leader_->worker())];
  engine().mark(std::uint64_t(counts_.updates));
  bounds();
}

std::shared_ptr<const Values> Training::served() const {
  if (servers_.size() == 1) return servers_[0]->version().values;
  auto all = std::make_shared<Values>();
  for (const auto& server : servers_)
    all->insert(all->end(), server->version().values->begin(), server->version().values->end());
  return all;
}

std::shared_ptr<const Values> Training::whole(const Parameters& x) const {
  if (!pool().real() || x.size() == 1) return x[0].values;
  auto all = std::make_shared<Values>();
  for (const Version& shard : x) all->insert(all->end(), shard.values->begin(), shard.values->end());
  return all;
}

void Training::begin_phase(const StopRule& until, double rate, std::shared_ptr<const Values> from) {
  phase_ = {until, rate, double(counts_.batches) / workers(), epochs(), counts_.updates, engine().now()};
  phase_over_ = false;
  if (from) setup_.initial = std::move(from);
  for (auto& worker : workers_) worker->restart();
  for (auto& server : servers_) server->restart();
  served_version_ = 0;
  mean_of_.clear();
  averaging_ = Averaging::weighted;
  if (until.time)
    engine().spawn("the end of a phase", end_phase_at(later(phase_.since, span_of(*until.time)), phase_.since),
                   Engine::Kind::daemon);
}

std::shared_ptr<const Values> Training::mean(const std::vector<GradientRef>& gradients) {
  if (shards() <= 1) return wire().mean(gradients, averaging_);
  if (mean_of_ != gradients) {
    mean_of_ = gradients;
    mean_ = wire().mean(gradients, averaging_);
  }
  return mean_;
}

void Training::bounds() {
  const StopRule& stop = setup_.stop;
  const double now = steps();
  if (stop.steps && now >= double(*stop.steps)) finish("steps", fmt::format("{} steps", *stop.steps));
  else if (stop.updates && counts_.updates >= *stop.updates)
    finish("updates", fmt::format("{} updates", *stop.updates));
  else if (stop.epochs && epochs() >= *stop.epochs * nearly) finish("epochs", fmt::format("{} epochs", *stop.epochs));
  const StopRule& until = phase_.until;
  if ((until.steps && now - phase_.steps >= double(*until.steps)) ||
      (until.epochs && epochs() - phase_.epochs >= *until.epochs * nearly))
    end_phase();
  if (now < next_steps_ && epochs() < next_epochs_) return;
  if (now >= next_steps_)
    next_steps_ = (std::floor(now / double(*setup_.evaluate.steps)) + 1) * double(*setup_.evaluate.steps);
  if (epochs() >= next_epochs_)
    next_epochs_ = (std::floor(epochs() / nearly / *setup_.evaluate.epochs) + 1) * *setup_.evaluate.epochs * nearly;
  evaluation_due_ = true;
  later_this_instant();
}

bool Training::enough(std::int64_t begun) const {
  const StopRule &stop = setup_.stop, &until = phase_.until;
  const int each = strategy_->batches_per_step();
  if (each == 0) return false;
  const double passes = double(begun) * double(pool().batches().round()) / double(pool().batches().rows());
  const double steps = strategy_->global_steps() ? double(begun / each) : double(begun);
  return (stop.steps && phase_.steps + steps >= double(*stop.steps)) ||
         (stop.updates && phase_.updates + begun / each >= *stop.updates) ||
         (stop.epochs && phase_.epochs + passes >= *stop.epochs * nearly) ||
         (until.steps && steps >= double(*until.steps)) || (until.epochs && passes >= *until.epochs * nearly);
}

void Training::end_phase() {
  phase_over_ = true;
  later_this_instant();
}

void Training::finish(std::string reason, std::string detail) {
  if (finished()) return;
  reason_ = std::move(reason);
  detail_ = std::move(detail);
  later_this_instant();
}

void Training::later_this_instant() {
  if (std::exchange(instant_asked_, true)) return;
  engine().after_instant(this, &Training::on_instant_over, 0);
}

void Training::instant_over() {
  instant_asked_ = false;
  if (time_is_up_) finish("time", fmt::format("{} of simulated time", show_duration(*setup_.stop.time)));
  if (evaluation_due_ && !finished()) evaluate();
  if (finished()) engine().request_stop();
  else if (phase_over_) strategy_->phase_over();
}

void Training::evaluate() {
  evaluation_due_ = false;
  if (++evaluations_ > most_evaluations)
    throw RunError(fmt::format("more than {} evaluations: evaluate less often", most_evaluations));
  CurvePoint point{.time = engine().now(), .step = steps(), .epoch = epochs(), .samples = counts_.samples};
  point.bytes_on_wire = bytes_on_wire();
  if (loss_count_ > 0) point.train_loss = loss_sum_ / double(loss_count_);
  if (pool().real()) {
    const Evaluation result = pool().evaluate(*strategy_->evaluated());
    point.test_loss = result.loss;
    point.test_accuracy = result.accuracy;
  }
  loss_sum_ = 0;
  loss_count_ = 0;
  latest_ = point;
  sink().curve(point);
  const StopRule& stop = setup_.stop;
  if (stop.accuracy && point.test_accuracy && *point.test_accuracy >= *stop.accuracy)
    finish("accuracy", fmt::format("test accuracy {:.4f} is at least {}", *point.test_accuracy, *stop.accuracy));
  if (phase_.until.accuracy && point.test_accuracy && *point.test_accuracy >= *phase_.until.accuracy) end_phase();
}

void Training::close() {
  cluster().network().settle();
  for (auto& worker : workers_) worker->close();
  if (timeline_) {
    cluster().network().end_busy_times();
    communicator_.tell_under_way();
    for (auto& server : servers_) server->queue().tell_under_way();
  }
  if (!latest_ || latest_->time != engine().now() || latest_->samples != counts_.samples) evaluate();
}

Path Training::critical_path() const {
  Path path = leader_ ? *leader_ : workers_[0]->path();
  path.add(Activity::wait, engine().now());  // for the end of the run
  path.share();
  return path;
}

Task<> Training::evaluate_every(Span period) {
  for (;;) {
    co_await engine().idle_sleep(period);
    evaluation_due_ = true;
    later_this_instant();
  }
}

Task<> Training::stop_at(Time at) {
  co_await engine().idle_sleep_until(at);
  time_is_up_ = true;
  later_this_instant();
}

Task<> Training::end_phase_at(Time at, Time since) {
  co_await engine().idle_sleep_until(at);
  if (phase_.since == since) end_phase();
}

}  // namespace paceline
