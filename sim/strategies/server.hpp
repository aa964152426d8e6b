// Server: what a strategy sees of one parameter server, which holds one shard's slice of the parameters and its own
// optimizer state. It handles one request at a time, atomically.
#pragma once
#include <memory>
#include <span>

#include "sim/comm/parameter_server.hpp"
#include "sim/strategies/gradient.hpp"
#include "sim/strategies/training.hpp"

namespace paceline {

class Server {
 public:
  Server(Training& training, int shard, int shards);
  Server(const Server&) = delete;

  int shard() const { return shard_; }
  int workers() const { return training_.workers(); }
  const Version& version() const { return version_; }
  ParameterServer& queue() { return queue_; }

  // The next request, in the order (arrival, worker): a worker's gradient. Never, once the run is finished.
  Task<GradientRef> next();
  // Updates since the gradient's worker pulled this shard.
  std::int64_t staleness(const GradientRef& gradient) const {
    return version_.number - gradient->at[std::size_t(shard_)].number;
  }
  // One step of the optimizer on this slice, which takes the cost's update time.
  Task<> apply(GradientRef gradient, double rate_scale = 1);
  // The same with Σ n_g g / Σ n_g, as one iteration.
  Task<> apply_mean(std::vector<GradientRef> gradients);
  // Answers a worker whose request was taken with the parameters as they are now.
  void answer(int worker);

 private:
  Task<> spend_update(double seconds);
  void step(const std::shared_ptr<const Values>& gradient, double rate_scale);
  void settle_request();

  Training& training_;
  int shard_, shards_;
  std::size_t begin_ = 0, end_ = 0;  // of the flat vector
  Version version_;
  std::shared_ptr<Values> values_;  // the same as version_.values
  std::unique_ptr<Optimizer> optimizer_;
  ParameterServer queue_;
  int taken_ = -1;  // the worker whose request is being dealt with
};

}  // namespace paceline
