// Strategy: how workers and servers train together. One file each; a coroutine per worker, and per server where there
// are some, that reads like its paper. Bookkeeping is not its affair: Worker and Server do it.
#pragma once
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
  // Whether there are iterations in which all take part, which are then what `steps` counts.
  virtual bool global_steps() const { return false; }
  // The parameters that are evaluated. Not called without numerics.
  virtual std::shared_ptr<const Values> evaluated() = 0;
  // Its own invariants, with figures.
  virtual std::vector<Check> checks() const { return {}; }
};

struct StrategyMaker {
  bool uses_servers = false;
  double server_momentum = 0;  // shorthand for momentum in the optimizer
  std::function<std::unique_ptr<Strategy>(Training&)> make;
};

namespace strategies {
const Registry<StrategyMaker>& all();
}

}  // namespace paceline
