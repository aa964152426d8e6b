// group_async: groups (hosts, racks) that are synchronous inside and asynchronous to each other. The workers of a group
// average their gradients by all-reduce; the first of them pushes the mean to the servers, which apply it at once; the
// answer is broadcast in the group. One group is bsp, groups of one worker are async.
#include "sim/strategies/meeting.hpp"
#include "sim/strategies/strategy.hpp"

namespace paceline::strategies {
namespace {

struct Options {
  Grouping grouping;
  AlgorithmMaker reducing, broadcasting;
};

class GroupAsync final : public Strategy {
 public:
  GroupAsync(Training& training, const Options& options)
      : training_(training), options_(options), group_of_(std::size_t(training.workers())) {
    for (const std::vector<int>& ranks : options.grouping.of(training)) {
      for (int rank : ranks) group_of_[std::size_t(rank)] = groups_.size();
      Group& group = groups_.emplace_back(training, ranks, options.reducing, record_);
      require(*options.broadcasting, Op::broadcast, group.communicator(training), "/training/strategy/broadcast");
    }
  }

  Task<> work(Worker& me) override {
    Group& group = groups_[group_of_[std::size_t(me.rank())]];
    const std::vector<int>& ranks = group.meeting.ranks();
    const int rank = int(std::lower_bound(ranks.begin(), ranks.end(), me.rank()) - ranks.begin());
    const double bytes = training_.cost().gradient_bytes();
    Parameters x = me.initial();
    for (std::int64_t t = me.steps_in_phase(); !me.finished(); ++t) {
      GradientRef g = me.next_gradient(x);
      g->only_summed = training_.shards() == 1;
      Round& round = group.rounds.try_emplace(t, ranks.size()).first->second;
      round.gradients[std::size_t(rank)] = g;
      co_await me.compute(g);
      if (ranks.size() > 1) co_await group.meeting.meet(me, t, bytes, [] {});
      if (rank == 0) {
        group.pushed = round.gradients;
        round.next = co_await me.exchange(g);
      }
      if (ranks.size() > 1) {
        if (!round.broadcast)
          round.broadcast =
              std::make_unique<Reduction>(training_, group.communicator(training_), *options_.broadcasting,
                                          Op::broadcast, std::vector<double>{bytes}, record_);
        Reduction::Lane lane(*round.broadcast, me, rank);
        co_await me.blocked(lane.run(false), lane);
      }
      x = round.next;
      if (++round.left == ranks.size()) group.rounds.erase(t);
    }
  }

  Task<> serve(Server& server) override {
    for (;;) {
      const GradientRef g = co_await server.next();
      const std::vector<GradientRef>& pushed = groups_[group_of_[std::size_t(g->worker)]].pushed;
      for (const GradientRef& each : pushed) each->at_server = true;
      co_await server.apply_mean(pushed, false);
      server.answer(g->worker);
    }
  }

  // A group goes down together, and forgets the step that it was at.
  std::vector<int> goes_down_with(int worker) const override {
    return groups_[group_of_[std::size_t(worker)]].meeting.ranks();
  }
  void forget(const std::vector<int>& workers) override { groups_[group_of_[std::size_t(workers[0])]].forget(); }

  std::shared_ptr<const Values> evaluated() override { return training_.served(); }
  std::vector<Check> checks() const override { return {record_.check()}; }

 private:
  struct Round {
    explicit Round(std::size_t members) : gradients(members) {}
    std::vector<GradientRef> gradients;
    Parameters next;
    std::unique_ptr<Reduction> broadcast;
    std::size_t left = 0;
  };
  struct Group {
    Group(Training& training, const std::vector<int>& ranks, const AlgorithmMaker& algorithm, ReductionRecord& record)
        : meeting(training, ranks, algorithm, record) {}
    Communicator& communicator(Training& training) { return training.communicator().group(meeting.ranks()); }
    void forget() {
      meeting.forget();
      rounds.clear();
    }
    Meeting meeting;
    std::map<std::int64_t, Round> rounds;
    std::vector<GradientRef> pushed;  // those whose mean is at the servers
  };

  Training& training_;
  Options options_;
  ReductionRecord record_;
  std::deque<Group> groups_;
  std::vector<std::size_t> group_of_;  // by worker
};

}  // namespace

StrategyMaker group_async(Reader& in) {
  in.about("hosts or racks are synchronous inside, asynchronous to each other");
  Options options;
  options.grouping = read_grouping(in);
  options.reducing = in.kind_or_name("algorithm", collectives::all(),
                                     {.fallback = "ring", .help = "of averaging gradients in a group"});
  options.broadcasting = in.kind_or_name("broadcast", collectives::all(),
                                         {.fallback = "tree", .help = "of handing parameters out in a group"});
  read_servers_only(in);
  return {.uses_servers = true, .sends_gradients = false, .make = [options](Training& training) {
            return std::make_unique<GroupAsync>(training, options);
          }};
}

}  // namespace paceline::strategies
