// Aggregate: how synchronous strategies turn everybody's gradients of a step into their mean and the next parameters.
#pragma once
#include <memory>

#include "sim/strategies/strategy.hpp"

namespace paceline {

class Aggregate {
 public:
  virtual ~Aggregate() = default;
  // Computes the gradient, averages it with everybody's of the same step, weighted by samples; the next parameters.
  virtual Task<Parameters> next(Worker& me, GradientRef gradient) = 0;
  virtual Task<> serve(Server& server);
  // What a worker starts from.
  virtual Parameters start(const Worker& me) const { return me.initial(); }
  virtual std::shared_ptr<const Values> evaluated() = 0;
  // See Strategy.
  virtual std::any saved() const { throw std::logic_error("servers keep the parameters"); }
  virtual void restore(const std::any&) { throw std::logic_error("servers keep the parameters"); }
  virtual std::vector<Check> checks() const { return {}; }
};

// What the gradients of a step, by worker, become; null without numerics.
using Combine = std::function<std::shared_ptr<const Values>(Training&, std::span<const GradientRef>)>;

struct MeanOptions {
  Sharding sharding = Sharding::none;
  int accumulate = 1;  // batches of every worker in a gradient
  Combine combine{};   // empty: their mean
};

struct AggregateMaker {
  bool uses_servers = false;
  std::function<std::unique_ptr<Aggregate>(Training&, const MeanOptions&)> make;
};

// Bulk synchronous parallel with any aggregate.
std::unique_ptr<Strategy> make_bsp(std::unique_ptr<Aggregate> aggregate, int accumulate);

namespace aggregates {
const Registry<AggregateMaker>& all();
}

}  // namespace paceline
