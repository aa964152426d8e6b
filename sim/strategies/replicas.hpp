// Replicas: every worker's own parameters and optimizer, for strategies that train locally.
#pragma once
#include <any>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "sim/strategies/training.hpp"
#include "sim/strategies/worker.hpp"

namespace paceline {

class Replicas {
 public:
  explicit Replicas(Training& training);

  int size() const { return int(replicas_.size()); }
  const Parameters& at(int rank) const { return replicas_[std::size_t(rank)].x; }
  const Version& version(int rank) const { return at(rank)[0]; }
  // [size]; null without numerics.
  const Values* values(int rank) const { return version(rank).values.get(); }

  // One step of the worker's own optimizer; the gradient is applied, after so many changes that others made since its
  // parameters were taken.
  void step(const GradientRef& gradient, std::int64_t staleness = 0);
  // The next version of a replica: these values, or what `change` makes of a copy; not called without numerics.
  void set(int rank, std::shared_ptr<const Values> values);
  void change(int rank, const std::function<void(std::span<float>)>& change);

  // All replicas with their optimizers; and back to them.
  std::any saved() const;
  void restore(const std::any& saved);

  // The mean of some or all, summed in their order; null without numerics.
  std::shared_ptr<const Values> mean(std::span<const int> ranks) const;
  std::shared_ptr<const Values> mean() const;

 private:
  struct Replica {
    Parameters x;
    std::shared_ptr<Optimizer> optimizer;
    Replica copy() const { return {x, optimizer ? std::shared_ptr<Optimizer>(optimizer->clone()) : nullptr}; }
  };
  Training& training_;
  std::vector<Replica> replicas_;
};

}  // namespace paceline
