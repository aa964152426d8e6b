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
  std::size_t begin() const { return begin_; }  // of the slice in the flat vector
  std::size_t size() const { return end_ - begin_; }
  ParameterServer& queue() { return queue_; }

  // The next request, in the order (arrival, worker): a worker's gradient. Never, once the run is finished.
  Task<GradientRef> next();
  // Updates since the gradient's worker pulled this shard.
  std::int64_t staleness(const GradientRef& gradient) const {
    return version_.number - gradient->at[std::size_t(shard_)].number;
  }

  // One step of the optimizer on this slice, which takes the cost's update time.
  Task<> apply(GradientRef gradient, double rate_scale = 1);
  // The same with another gradient in its place, all [size()]: `corrected` is the gradient at first.
  using Correction =
      std::function<void(std::span<float> corrected, std::span<const float> now, std::span<const float> pulled)>;
  Task<> apply(GradientRef gradient, Correction correction);
  // The same with Σ n_g g / Σ n_g; as one iteration of the run, where it counts such.
  Task<> apply_mean(std::vector<GradientRef> gradients, bool iteration = true);
  // The gradient is not applied here; or it is part of what change() applies, so many updates after its pull.
  void drop(const GradientRef& gradient);
  void accept(const GradientRef& gradient, std::int64_t staleness);
  // The next version is what `change` makes of this one; null without numerics: it is not called.
  void change(const std::function<void(std::span<float> values)>& change);

  // Answers a worker with the parameters as they are now, one whose request was taken or any other; one that has failed
  // gets nothing.
  void answer(int worker);
  void answer_all();
  // Answers a worker that has asked for nothing, while another's request may be being dealt with.
  void answer_anyhow(int worker);
  // The version that a worker was answered with last.
  std::int64_t answered(int worker) const { return answered_[std::size_t(worker)]; }
  // Whose request was the latest when a worker was answered last: who made the server answer.
  int released_by(int worker) const { return released_by_[std::size_t(worker)]; }

  // Starts anew from training.initial(), as if nothing had been; for a new phase.
  void restart();

  // The worker's side.
  void send(const GradientRef& gradient, double bytes);
  // Takes back what a worker has sent and is not taken yet.
  void withdraw(int worker);
  // It has failed: its connection is cut in both directions, until it comes back.
  // What is not taken yet is not applied here; but for `kept`, which it will send again.
  void cut_off(int worker, const Gradient* kept);
  void reconnect(int worker) { cut_off_[std::size_t(worker)] = false; }
  bool took(const Gradient& gradient) const { return taken_steps_[std::size_t(gradient.worker)] == gradient.step; }
  // Whether a request of the worker was taken and not answered.
  bool owes(int worker) const { return owes_[std::size_t(worker)]; }

 private:
  Task<> spend_update(double seconds);
  void step(const float* gradient, double rate_scale);
  std::shared_ptr<Values> next_values();
  void settle_request();
  void lead();
  void settle(const GradientRef& gradient, bool applied);

  Training& training_;
  int shard_, shards_;
  std::size_t begin_ = 0, end_ = 0;  // of the flat vector
  Version version_;
  std::shared_ptr<Values> values_;  // the same as version_.values
  std::unique_ptr<Optimizer> optimizer_;
  ParameterServer queue_;
  struct Sent {
    GradientRef gradient;
    Path path;
  };
  std::vector<Sent> sent_;                 // by slot of the queue
  std::vector<std::int64_t> answered_;     // by worker, as all here
  std::vector<std::int64_t> taken_steps_;  // of the latest gradients taken
  std::vector<bool> owes_, cut_off_;
  Values corrected_;
  int taken_ = -1;                // the worker whose request is being dealt with
  int latest_ = -1;               // who sent the request that was taken last
  Path path_;                     // of what is dealt with
  std::vector<int> released_by_;  // by worker
};

}  // namespace paceline
