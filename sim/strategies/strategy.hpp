// Strategy: how workers and servers train together. One file each; a coroutine per worker, and per server where there
// are some, that reads like its paper. Bookkeeping is not its affair: Worker and Server do it.
#pragma once
#include <algorithm>
#include <any>
#include <memory>

#include "sim/strategies/server.hpp"
#include "sim/strategies/training.hpp"
#include "sim/strategies/worker.hpp"

namespace paceline {

class Strategy {
 public:
  virtual ~Strategy() = default;
  // One worker, until me.finished().
  virtual Task<> work(Worker& me) = 0;
  // One server (a shard), for ever. Only of strategies that use servers.
  virtual Task<> serve(Server& server);
  // Whether there are iterations of the whole cluster, which are then what `steps` counts.
  virtual bool global_steps() const { return batches_per_step() > 0; }
  // How many batches every worker takes in an iteration; 0: that is not fixed.
  virtual int batches_per_step() const { return 0; }
  // The most batches that so many workers can have begun without a decision on them when the run ends.
  virtual std::int64_t most_open(int workers) const {
    return std::int64_t{2} * workers * std::max(1, batches_per_step());
  }
  // The parameters that are evaluated. Not called without numerics.
  virtual std::shared_ptr<const Values> evaluated() = 0;
  // The bounds that begin_phase() was given are reached; at the end of that instant.
  virtual void phase_over() {}
  // A worker's device has failed, or works again. Told to strategies that Training::make() gives alone.
  virtual void failed(int /*worker*/) {}
  virtual void repaired(int /*worker*/) {}
  // Where workers fail one by one: who goes down with one, what was lost is forgotten, and how one comes back.
  virtual std::vector<int> goes_down_with(int worker) const { return {worker}; }
  virtual void forget(const std::vector<int>& /*workers*/) {}
  virtual Task<> rejoin(Worker& me);
  // Where all go back together: a copy of what it goes on from, between two steps of all; a new object takes it up.
  virtual std::any saved() const;
  virtual void restore(const std::any& saved);
  // A worker that was away takes over what another one has.
  virtual void joins(int /*worker*/, int /*from*/) {}
  // Its own invariants, with figures.
  virtual std::vector<Check> checks() const { return {}; }
};

// The usual worker of a parameter server: pull, compute, push.
class Served : public Strategy {
 public:
  // `sums`: what servers do with gradients of one version is sum them, all shards the same ones.
  explicit Served(Training& training, bool sums = false) : training_(training), sums_(sums && training.shards() == 1) {}
  Task<> work(Worker& me) override;
  std::shared_ptr<const Values> evaluated() override { return training_.served(); }

 protected:
  Training& training() const { return training_; }
  // One whom newer parameters reach unasked; it then abandons what it is at.
  Task<> work_until_newer(Worker& me);
  GradientRef next_gradient(Worker& me, Parameters x) const;

 private:
  Task<> compute_and_push(Worker& me, Parameters x) const;
  Training& training_;
  bool sums_;
};

// What of the training state is split over the workers (ZeRO, Rajbhandari et al. 2020): the optimizer's, the
// gradients as well, the parameters as well. The first two are the same on the wire.
enum class Sharding { none, zero1, zero2, zero3 };

struct StrategyMaker {
  bool uses_servers = false;
  bool sends_gradients = true;   // which can be compressed
  bool switches = false;         // it is made of others
  bool balances = false;         // its steps can be shared out anew
  bool awaits_accuracy = false;  // of an evaluation
  double server_momentum = 0;    // shorthand for momentum in the optimizer
  // A worker that fails is lost alone: somebody else has the parameters. Else all go back to a checkpoint.
  bool fails_alone = uses_servers;
  bool shrinks = false;  // it can go on with training.members() alone
  Sharding sharding = Sharding::none;
  std::function<std::unique_ptr<Strategy>(Training&)> make;
};

// Reads `aggregate` where it can only be parameter_server, because not everyone takes part in every update.
void read_servers_only(Reader& in);

namespace strategies {
const Registry<StrategyMaker>& all();
}

}  // namespace paceline
