#include "sim/strategies/replicas.hpp"

#include "sim/strategies/worker.hpp"

namespace paceline {

Replicas::Replicas(Training& training) : training_(training) {
  for (int w = 0; w < training.workers(); ++w) {
    Replica& replica = replicas_.emplace_back();
    replica.x = {Version{0, training.initial()}};
    if (training.pool().real()) replica.optimizer = training.optimizer().make(training.pool().tensor_sizes());
  }
}

std::any Replicas::saved() const {
  std::vector<Replica> copies;
  for (const Replica& replica : replicas_) copies.push_back(replica.copy());
  return copies;
}

void Replicas::restore(const std::any& saved) {
  replicas_.clear();
  for (const Replica& replica : std::any_cast<const std::vector<Replica>&>(saved)) replicas_.push_back(replica.copy());
}

void Replicas::step(const GradientRef& gradient, std::int64_t staleness) {
  Replica& mine = replicas_[std::size_t(gradient->worker)];
  Version next{mine.x[0].number + 1, nullptr};
  if (const auto g = training_.pool().value(gradient)) {
    auto values = training_.pool().buffer();
    mine.optimizer->step(mine.x[0].values->data(), g->data(), values->data(), training_.rate());
    next.values = std::move(values);
  }
  mine.x[0] = std::move(next);
  training_.led_by(training_.worker(gradient->worker).path());
  training_.applied(*gradient, staleness);
}

void Replicas::set(int rank, std::shared_ptr<const Values> values) {
  Version& version = replicas_[std::size_t(rank)].x[0];
  version = {version.number + 1, std::move(values)};
}

void Replicas::change(int rank, const std::function<void(std::span<float>)>& change) {
  std::shared_ptr<Values> next;
  if (const Values* now = values(rank)) {
    next = training_.pool().buffer();
    *next = *now;
    change(*next);
  }
  set(rank, std::move(next));
}

std::shared_ptr<const Values> Replicas::mean(std::span<const int> ranks) const {
  if (!training_.pool().real() || ranks.size() == 1) return version(ranks[0]).values;
  auto mean = training_.pool().buffer();
  *mean = *values(ranks[0]);
  for (std::size_t r = 1; r < ranks.size(); ++r)
    for (std::size_t i = 0; i < mean->size(); ++i) (*mean)[i] += (*values(ranks[r]))[i];
  for (float& each : *mean) each /= float(ranks.size());
  return mean;
}

std::shared_ptr<const Values> Replicas::mean() const { return mean(training_.members()); }

}  // namespace paceline
