// Training: the state of one run that workers, servers and the strategy share: the counts, what has been applied, when
// to evaluate and when to stop. Evaluation and stop come in the last phase of an instant; they take no simulated time.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/optimizer.hpp"
#include "models/schedule.hpp"
#include "sim/cluster/cluster.hpp"
#include "sim/comm/communicator.hpp"
#include "sim/core/record.hpp"
#include "sim/strategies/waits.hpp"
#include "sim/strategies/wire.hpp"

namespace paceline {

class Strategy;
struct StrategyMaker;
struct RecoverySpec;
class Worker;
class Server;

// Whichever bound comes first. Times in seconds.
struct StopRule {
  std::optional<std::int64_t> steps, updates;
  std::optional<double> epochs, time, accuracy;
};
struct EvaluateRule {
  std::optional<std::int64_t> steps;
  std::optional<double> epochs, time;
};

struct Check {
  std::string name;
  bool holds = true;
  std::string detail;
};

// Stops workers that begin a step, for as long as something is done with all of them.
class Gate {
 public:
  virtual bool stops(std::int64_t step) = 0;
  virtual Task<> pass(Worker& me) = 0;

 protected:
  ~Gate() = default;
};

// What failures of devices cost. Lost: that had been done since the last checkpoint, or at the batch of a worker that
// failed. All spans are summed over workers.
struct FailureCounts {
  std::int64_t failures = 0;  // of devices
  std::int64_t rollbacks = 0, checkpoints = 0;
  std::int64_t lost_batches = 0, lost_samples = 0;
  Span lost{}, checkpointing{};
  double interval = 0;  // of training between two checkpoints, seconds; 0: there are none
};

// What is counted. `steps`: iterations where the strategy has global ones, else completed batches over workers.
struct Counts {
  std::int64_t iterations = 0, batches = 0, updates = 0, samples = 0;
  std::int64_t dropped = 0, cancelled = 0;  // batches whose gradients came to nothing: complete, or not
  std::int64_t rolled_back = 0;             // batches that had been applied before all went back
  std::int64_t gradients = 0;               // of one or more batches each, that were decided on
  std::vector<std::uint64_t> staleness;     // histogram over applied gradients
};

class Training {
 public:
  struct Setup {
    Engine& engine;
    Cluster& cluster;
    const Cost& cost;
    GradientPool& pool;
    Wire& wire;
    Sink& sink;
    OptimizerMaker optimizer;
    std::shared_ptr<const Values> initial;  // null without numerics
    StopRule stop;
    EvaluateRule evaluate;
    Schedule schedule;              // on every update's learning rate
    const RecoverySpec& recovery;   // from failures
    std::int64_t most_at_once = 0;  // batches that may begin at one instant
  };
  explicit Training(Setup setup);
  ~Training();
  Training(const Training&) = delete;

  Engine& engine() const { return setup_.engine; }
  Cluster& cluster() const { return setup_.cluster; }
  const Cost& cost() const { return setup_.cost; }
  GradientPool& pool() const { return setup_.pool; }
  Wire& wire() const { return setup_.wire; }
  Sink& sink() const { return setup_.sink; }
  const OptimizerMaker& optimizer() const { return setup_.optimizer; }
  const std::shared_ptr<const Values>& initial() const { return setup_.initial; }
  int workers() const { return setup_.cluster.workers(); }
  int shards() const { return int(servers_.size()); }
  Worker& worker(int rank) { return *workers_[std::size_t(rank)]; }
  Server& server(int shard) { return *servers_[std::size_t(shard)]; }
  std::span<Traffic> traffic() { return traffic_; }
  // Payload, counted once, at the sender.
  double bytes_on_wire() const { return cluster().network().totals().sent + communicator_.reckoned_bytes(); }
  Timeline* timeline() const { return timeline_; }  // null: nobody traces
  Sink* message_log() const { return sink().wants_messages() ? &sink() : nullptr; }
  Communicator& communicator() { return communicator_; }  // of all workers
  const Communicator& communicator() const { return communicator_; }

  // A strategy that goes on after failures as `recovery` says, where devices can fail.
  std::unique_ptr<Strategy> make(const StrategyMaker& maker);
  // Starts the workers and servers of a strategy, and the clocks of evaluation and stop.
  void start(Strategy& strategy);

  // A worker begins so many batches. Throws when time stands still.
  void began(int batches);
  // A gradient has become part of the parameters, `staleness` updates after its pull.
  void applied(Gradient& gradient, std::int64_t staleness);
  // It never will.
  void dropped(Gradient& gradient) { settle(gradient, Gradient::Fate::dropped); }
  void cancelled(Gradient& gradient) { settle(gradient, Gradient::Fate::cancelled); }
  // The global parameters have changed; `iteration`: it ends one, where the strategy has such.
  void updated(bool iteration);
  // A server has: the global parameters are as old as their oldest slice.
  void stepped(bool iteration);

  // Whose path led to what has just become part of the parameters.
  void led_by(const Path& path) { leader_ = &path; }
  // The path to the end of the run. Once it is over.
  Path critical_path() const;
  // How many updates of the global parameters a worker's compute was the last on the path to.
  std::int64_t bounded(int worker) const { return bounded_[std::size_t(worker)]; }
  Waits& waits() { return waits_; }
  const Waits& waits() const { return waits_; }

  // Workers that take part, ascending: all, but for those that an elastic run goes on without.
  const std::vector<int>& members() const { return members_; }
  void set_members(std::vector<int> members) { members_ = std::move(members); }
  bool is_down(int worker) const { return down_[std::size_t(worker)] > 0; }
  FailureCounts& failures() { return failures_; }
  const FailureCounts& failures() const { return failures_; }
  Gate* gate() const { return gate_; }
  void set_gate(Gate* gate) { gate_ = gate; }
  // What has been applied since then never was.
  struct Tally {
    Counts counts;
    std::int64_t evaluations = 0;
    double loss_sum = 0;
    std::int64_t loss_count = 0;
  };
  Tally tally() const { return {counts_, evaluations_, loss_sum_, loss_count_}; }
  void go_back(const Tally& then);

  // A new phase from these parameters (null: from the initial ones), with a factor on the learning rate; the strategy
  // hears of it when one of the bounds, counted from now, is reached, and workers begin nothing more.
  void begin_phase(const StopRule& until, double rate, std::shared_ptr<const Values> from);
  double phase_rate() const { return phase_.rate; }
  bool phase_is_over() const { return phase_over_; }

  // What the servers hold, put together; parameters, the slices put together. Null without numerics.
  std::shared_ptr<const Values> served() const;
  std::shared_ptr<const Values> whole(const Parameters& x) const;
  // The mean of gradients that every shard applies its slice of: computed once.
  std::shared_ptr<const Values> mean(const std::vector<GradientRef>& gradients);

  // How the gradients of a step are averaged; of the strategy.
  Averaging averaging() const { return averaging_; }
  void set_averaging(Averaging averaging) { averaging_ = averaging; }

  const Counts& counts() const { return counts_; }
  double steps() const;
  double epochs() const { return double(counts_.samples) / double(pool().batches().rows()); }
  // The factor on the learning rate of an update that is made now: the schedule's, and the phase's.
  double rate() const { return phase_.rate * setup_.schedule({epochs(), steps()}); }
  // A bound is reached: nothing is applied any more, and the run ends with this instant.
  bool finished() const { return !reason_.empty(); }
  // Where every worker takes so many batches a step: those begun reach a bound, and it need not begin another.
  bool enough(std::int64_t begun) const;
  void finish(std::string reason, std::string detail);
  const std::string& reason() const { return reason_; }
  const std::string& detail() const { return detail_; }

  // Evaluates a last time and closes all accounts. Once, when the engine has come to rest.
  void close();
  const std::optional<CurvePoint>& latest() const { return latest_; }

 private:
  static void on_instant_over(void* self, std::uint32_t) { static_cast<Training*>(self)->instant_over(); }
  void settle(Gradient& gradient, Gradient::Fate fate);
  void bounds();
  void later_this_instant();
  void instant_over();
  void evaluate();
  Task<> evaluate_every(Span period);
  Task<> stop_at(Time at);
  Task<> end_phase_at(Time at, Time since);

  struct Phase {
    StopRule until;
    double rate = 1;
    double steps = 0, epochs = 0;  // before it
    std::int64_t updates = 0;
    Time since{};
  };
  void end_phase();

  Setup setup_;
  Timeline* const timeline_ = setup_.sink.timeline();
  Strategy* strategy_ = nullptr;
  Phase phase_;
  std::vector<Traffic> traffic_;  // by worker
  Communicator communicator_;
  Waits waits_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Server>> servers_;
  Averaging averaging_ = Averaging::weighted;
  std::vector<GradientRef> mean_of_;  // the latest mean
  std::shared_ptr<const Values> mean_;
  Counts counts_;
  const Path* leader_ = nullptr;       // of the latest update
  std::vector<std::int64_t> bounded_;  // by worker
  std::vector<int> members_;
  std::vector<int> down_;  // failures that are not repaired, by worker
  FailureCounts failures_;
  Gate* gate_ = nullptr;
  std::int64_t served_version_ = 0;
  Time latest_batch_{};
  std::int64_t batches_now_ = 0;  // begun at that time
  std::int64_t evaluations_ = 0;
  double loss_sum_ = 0;  // of batches applied since the last point
  std::int64_t loss_count_ = 0;
  double next_steps_ = 0, next_epochs_ = 0;  // of evaluation
  std::optional<CurvePoint> latest_;
  std::string reason_, detail_;
  bool evaluation_due_ = false, time_is_up_ = false, phase_over_ = false, instant_asked_ = false;
};

}  // namespace paceline
