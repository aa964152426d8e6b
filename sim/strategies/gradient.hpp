// Gradient: a lazy value, the mean gradient of a worker's batch (or several) at the parameters it had pulled. It is
// computed when somebody needs it (see gradient_pool.hpp), or never.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sim/strategies/batches.hpp"
#include "sim/strategies/parameters.hpp"

namespace paceline {

class GradientPool;

struct Gradient {
  Gradient(GradientPool& in, int of_worker, std::int64_t of_step, int of_batches, int of_samples, Parameters pulled);
  Gradient(const Gradient&) = delete;
  ~Gradient();

  GradientPool& pool;
  const int worker;
  const std::int64_t step;  // the worker's own count of batches
  const int batches;        // accumulated, from `step` on
  int samples;              // of all of them; where workers come back for more, so far
  Parameters at;            // what was pulled; the values are let go of once it is computed
  double jitter = 1;        // the step's factor on all its durations

  std::vector<Batches::Slice> taken;  // its rows, where a balance shares out every step

  bool keeps_parameters = false;  // `at` is needed after it is computed, too
  bool only_summed = false;       // its value is needed in one sum over gradients of the same version alone

  bool computed_on_device = false;  // its worker's device is through with it
  bool at_server = false;           // taken by a server, which will decide on it
  std::shared_ptr<const Values> value;
  std::shared_ptr<const Values> sent;  // what others get of it, where it is compressed
  std::optional<double> loss;          // mean over the batch
  struct Computation;
  std::unique_ptr<Computation> computation;  // begun, and not finished

  void let_go() {
    if (keeps_parameters) return;
    for (Version& shard : at) shard.values.reset();
  }

  // Dropped: complete, but never applied. Cancelled: its worker never finished it.
  enum class Fate : std::uint8_t { under_way, applied, dropped, cancelled };
  Fate fate = Fate::under_way;
  int shards_through = 0, shards_applied = 0;  // that have decided on it; to apply it
  std::int64_t staleness = 0;                  // the largest over shards that applied it
};
using GradientRef = std::shared_ptr<Gradient>;

}  // namespace paceline
