// Gradient: a lazy value, the mean gradient of a worker's batch at the parameters it had pulled. It is computed when
// somebody needs it (see gradient_pool.hpp), or never.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include "sim/strategies/parameters.hpp"

namespace paceline {

class GradientPool;

struct Gradient {
  Gradient(GradientPool& in, int of_worker, std::int64_t of_step, int of_samples, Parameters pulled)
      : pool(in), worker(of_worker), step(of_step), samples(of_samples), at(std::move(pulled)) {}
  Gradient(const Gradient&) = delete;
  ~Gradient();

  GradientPool& pool;
  const int worker;
  const std::int64_t step;  // the worker's own count of batches
  const int samples;
  Parameters at;      // what was pulled; the values are let go of once it is computed
  double jitter = 1;  // the step's factor on all its durations

  bool computed_on_device = false;  // its worker's device is through with it
  std::shared_ptr<const Values> value;
  std::optional<double> loss;  // mean over the batch

  void let_go() {
    for (Version& shard : at) shard.values.reset();
  }

  int shards_applied = 0;
  std::int64_t staleness = 0;  // the largest over shards
  bool applied = false;
};
using GradientRef = std::shared_ptr<Gradient>;

}  // namespace paceline
