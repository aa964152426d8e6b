// hierarchical_local_sgd: local SGD on two levels (Lin et al. 2020, "Don't use large mini-batches, use local SGD",
// section 5): parameters are averaged within a group (host or rack) after every `inner_period` local steps, and among
// all after every `outer_period`.
#include "sim/strategies/meeting.hpp"
#include "sim/strategies/replicas.hpp"
#include "sim/strategies/strategy.hpp"

namespace paceline::strategies {
namespace {

struct Options {
  Grouping grouping;
  std::int64_t inner = 1, outer = 1;
  AlgorithmMaker inside, across;
};

class HierarchicalLocalSgd final : public Strategy {
 public:
  HierarchicalLocalSgd(Training& training, const Options& options)
      : training_(training),
        options_(options),
        replicas_(training),
        everybody_(training, training.members(), options.across, record_),
        group_of_(std::size_t(training.workers())) {
    for (const std::vector<int>& ranks : options.grouping.of(training)) {
      for (int rank : ranks) group_of_[std::size_t(rank)] = groups_.size();
      groups_.emplace_back(training, ranks, options.inside, record_, "/training/strategy/inner_algorithm");
    }
  }

  Task<> work(Worker& me) override {
    const double bytes = training_.cost().gradient_bytes();
    Meeting& group = groups_[group_of_[std::size_t(me.rank())]];
    for (std::int64_t t = me.steps_in_phase(); !me.finished(); ++t) {
      GradientRef g = me.next_gradient(replicas_.at(me.rank()));
      co_await me.compute(g);
      co_await me.update(g);
      replicas_.step(g);
      if ((t + 1) % options_.outer == 0)
        co_await everybody_.meet(
            me, t, bytes, [this] { average(everybody_); }, [this] { training_.updated(false); });
      else if ((t + 1) % options_.inner == 0) co_await group.meet(me, t, bytes, [this, &group] { average(group); });
    }
  }

  std::shared_ptr<const Values> evaluated() override { return replicas_.mean(); }
  std::any saved() const override { return replicas_.saved(); }
  void restore(const std::any& saved) override { replicas_.restore(saved); }
  std::vector<Check> checks() const override { return {record_.check()}; }

 private:
  void average(const Meeting& meeting) {
    const auto mean = replicas_.mean(meeting.ranks());
    for (int w : meeting.ranks()) replicas_.set(w, mean);
  }

  Training& training_;
  Options options_;
  Replicas replicas_;
  ReductionRecord record_;
  Meeting everybody_;
  std::deque<Meeting> groups_;
  std::vector<std::size_t> group_of_;  // by worker
};

}  // namespace

StrategyMaker hierarchical_local_sgd(Reader& in) {
  in.about("local SGD with a short period within hosts or racks, a long one across (Lin et al. 2020)");
  Options options;
  options.grouping = read_grouping(in);
  options.inner = in.integer(
      "inner_period", {.minimum = 1, .maximum = 1'000'000'000, .help = "local steps between averagings in a group"});
  options.outer = in.integer("outer_period",
                             {.minimum = 1, .maximum = 1'000'000'000, .help = "local steps between averagings of all"});
  options.inside =
      in.kind_or_name("inner_algorithm", collectives::all(), {.fallback = "ring", .help = "of averaging in a group"});
  options.across = in.kind_or_name("algorithm", collectives::all(), {.fallback = "ring", .help = "of averaging all"});
  if (!in.describing() && options.outer % options.inner != 0)
    in.fail("outer_period", "must be a multiple of inner_period");
  return {.sends_gradients = false,
          .make = [options](Training& training) { return std::make_unique<HierarchicalLocalSgd>(training, options); }};
}

}  // namespace paceline::strategies
