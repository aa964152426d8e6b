// execution_graph: a step is what a graph says (see graph.hpp): every rank goes through its own once. When all have
// come to the end the mean of their gradients is applied, as under bsp; the graph is all that a step costs. A step's
// jitter, and the stragglers that strike it, are factors on all computes of the rank.
#include <array>

#include "sim/strategies/aggregate.hpp"
#include "sim/strategies/graph_walk.hpp"

namespace paceline::strategies {
namespace {

// Every worker's walk, then the mean of all gradients.
class GraphMean final : public Aggregate {
 public:
  GraphMean(Training& training, std::shared_ptr<const Graph> graph, AlgorithmMaker algorithm)
      : training_(training),
        all_{training, std::move(graph), std::move(algorithm)},
        steps_(training.engine(), 0, "steps of all graphs"),
        x_{Version{0, training.initial()}},
        gradients_(std::size_t(training.workers())) {
    for (const std::vector<int>& group : all_.graph->groups)
      all_.groups.push_back(int(group.size()) == training.workers() ? &training.communicator()
                                                                    : &training.communicator().group(group));
    for (const GraphCollective& each : all_.graph->collectives)
      require(*all_.algorithm, each.op, *all_.groups[each.group], "/training/strategy/algorithm");
    all_.calls.resize(all_.graph->collectives.size());
    for (int w = 0; w < training.workers(); ++w) {
      training.worker(w).set_parts({});
      all_.ranks.push_back(std::make_unique<GraphWalk>(all_, w));
    }
    if (training.pool().real()) optimizer_ = training.optimizer().make(training.pool().tensor_sizes());
  }

  Task<Parameters> next(Worker& me, GradientRef gradient) override {
    if (Gate* gate = training_.gate(); gate && gate->stops(me.steps_in_phase() - 1)) co_await gate->pass(me);
    GraphWalk& walk = *all_.ranks[std::size_t(me.rank())];
    co_await walk.run(factor(*gradient, walk.seconds()));
    gradient->computed_on_device = true;
    gradients_[std::size_t(me.rank())] = std::move(gradient);
    const std::int64_t step = steps_.value() + 1;
    int& last = last_[std::size_t(step % 2)];
    last = nobody;
    if (++here_ < gradients_.size()) {
      co_await me.waits(reached(step), last);
    } else {
      last = me.rank();
      apply(me);
      steps_.raise_to(step);
    }
    co_return x_;
  }

  Parameters start(const Worker&) const override { return x_; }
  std::shared_ptr<const Values> evaluated() override { return x_[0].values; }
  std::any saved() const override { return State{x_[0], copy(optimizer_)}; }
  void restore(const std::any& saved) override {
    const auto& state = std::any_cast<const State&>(saved);
    x_ = {state.x};
    optimizer_ = copy(state.optimizer);
  }
  std::vector<Check> checks() const override { return {all_.record.check()}; }

 private:
  struct State {
    Version x;
    std::shared_ptr<Optimizer> optimizer;
  };
  static std::shared_ptr<Optimizer> copy(const std::shared_ptr<Optimizer>& optimizer) {
    return optimizer ? std::shared_ptr<Optimizer>(optimizer->clone()) : nullptr;
  }

  double factor(const Gradient& gradient, double seconds) const {
    if (seconds == 0) return 1;
    const StepCost drawn{seconds * gradient.jitter, 0, 0};
    return training_.cluster().struck(gradient.worker, gradient.step, drawn).forward / seconds;
  }
  Task<> reached(std::int64_t step) { co_await steps_.reaches(step); }

  // By the last to come to its end.
  void apply(Worker& me) {
    here_ = 0;
    for (const auto& walk : all_.ranks) walk->rewind();
    Parameters next{Version{x_[0].number + 1, nullptr}};
    if (training_.pool().real()) {
      const auto mean = training_.pool().mean(gradients_, training_.averaging());
      auto values = training_.pool().buffer();
      optimizer_->step(x_[0].values->data(), mean->data(), values->data(), training_.rate());
      next[0].values = std::move(values);
    }
    x_ = std::move(next);
    training_.led_by(me.path());
    for (GradientRef& g : gradients_) training_.applied(*std::exchange(g, nullptr), 0);
    training_.updated(true);
  }

  Training& training_;
  GraphWalks all_;
  Counter steps_;
  Parameters x_;
  std::shared_ptr<Optimizer> optimizer_;
  std::vector<GradientRef> gradients_;  // by worker, of those who are at the end of this step
  std::size_t here_ = 0;
  std::array<int, 2> last_{nobody, nobody};  // to get there, by parity of the step
};

}  // namespace

StrategyMaker execution_graph(Reader& in) {
  in.about("every rank goes through a graph of computes, messages and collectives (paceline import-chakra)");
  const std::shared_ptr<const Graph> graph = read_graph(in);
  const AlgorithmMaker algorithm =
      in.kind_or_name("algorithm", collectives::all(), {.fallback = "auto", .help = "of the graph's collectives"});
  if (!in.describing())
    in.note("graph", "is all that a step costs: neither workload.cost nor the size of batches takes time");
  return {.sends_gradients = false, .make = [graph, algorithm](Training& training) {
            return make_bsp(std::make_unique<GraphMean>(training, graph, algorithm), 1);
          }};
}

}  // namespace paceline::strategies
