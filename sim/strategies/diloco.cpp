// diloco: distributed low-communication training (Douillard et al. 2023). Workers take `period` steps of their own
// optimizer (AdamW there); then the outer gradient Δ = x_start - mean_w x_w is averaged by all-reduce, and an outer
// SGD with Nesterov momentum gives everybody's next x_start:
//     v ← μ v + Δ,  x_start ← x_start - η_outer (Δ + μ v).
// Streaming (Douillard et al. 2025): of F `fragments` of the flat vector one is synchronized every period / F steps, in
// turn; each has its own start. η_outer = 1, μ = 0 is local SGD.
#include <fmt/format.h>

#include "sim/strategies/meeting.hpp"
#include "sim/strategies/replicas.hpp"
#include "sim/strategies/strategy.hpp"

namespace paceline::strategies {
namespace {

struct Options {
  std::int64_t period = 1, fragments = 1;
  float learning_rate = 0, momentum = 0;
  AlgorithmMaker algorithm;
};

// The outer optimizer's.
struct Outer {
  Values start, velocity;
};

class DiLoCo final : public Strategy {
 public:
  DiLoCo(Training& training, const Options& options)
      : training_(training),
        options_(options),
        replicas_(training),
        everybody_(training, training.members(), options.algorithm, record_) {
    if (!training.pool().real()) return;
    outer_.start = *training.initial();
    outer_.velocity.assign(outer_.start.size(), 0.0f);
  }

  Task<> work(Worker& me) override {
    const std::int64_t every = options_.period / options_.fragments;
    const double bytes = training_.cost().gradient_bytes() / double(options_.fragments);
    for (std::int64_t t = me.steps_in_phase(); !me.finished(); ++t) {
      GradientRef g = me.next_gradient(replicas_.at(me.rank()));
      co_await me.compute(g);
      co_await me.update(g);
      replicas_.step(g);
      if ((t + 1) % every != 0) continue;
      const int fragment = int(((t + 1) / every - 1) % options_.fragments);
      co_await everybody_.meet(
          me, t, bytes, [this, fragment] { step_outside(fragment); }, [this] { training_.updated(false); });
    }
  }

  std::shared_ptr<const Values> evaluated() override { return replicas_.mean(); }
  void joins(int worker, int from) override { replicas_.set(worker, replicas_.version(from).values); }
  std::any saved() const override { return State{replicas_.saved(), outer_}; }
  void restore(const std::any& saved) override {
    const auto& state = std::any_cast<const State&>(saved);
    replicas_.restore(state.replicas);
    outer_ = state.outer;
  }
  std::vector<Check> checks() const override { return {record_.check()}; }

 private:
  struct State {
    std::any replicas;
    Outer outer;
  };

  void step_outside(int fragment) {
    const std::size_t begin = shard_begin(outer_.start.size(), fragment, int(options_.fragments));
    const std::size_t end = shard_begin(outer_.start.size(), fragment + 1, int(options_.fragments));
    if (const auto mean = replicas_.mean()) {
      const float rate = options_.learning_rate, momentum = options_.momentum;
      for (std::size_t i = begin; i < end; ++i) {
        const float delta = outer_.start[i] - (*mean)[i];
        outer_.velocity[i] = momentum * outer_.velocity[i] + delta;
        outer_.start[i] -= rate * (delta + momentum * outer_.velocity[i]);
      }
    }
    for (int w = 0; w < replicas_.size(); ++w)
      replicas_.change(w, [&](std::span<float> x) {
        std::copy(outer_.start.begin() + std::ptrdiff_t(begin), outer_.start.begin() + std::ptrdiff_t(end),
                  x.begin() + std::ptrdiff_t(begin));
      });
  }

  Training& training_;
  Options options_;
  Replicas replicas_;
  ReductionRecord record_;
  Meeting everybody_;
  Outer outer_;
};

}  // namespace

StrategyMaker diloco(Reader& in) {
  in.about("many local steps, then an outer Nesterov step on their mean (Douillard et al. 2023)");
  Options options;
  options.period = in.integer("period", {.minimum = 1, .maximum = 1'000'000'000, .help = "local steps per outer step"});
  options.fragments = in.integer(
      "fragments",
      {.minimum = 1, .maximum = 1'000'000, .fallback = 1, .help = "parts of the model that are synchronized in turn"});
  options.learning_rate = float(in.number(
      "outer_learning_rate", {.minimum = 0, .above_minimum = true, .fallback = 0.7, .help = "of the outer optimizer"}));
  options.momentum = float(in.number(
      "outer_momentum", {.minimum = 0, .maximum = 0.9999, .fallback = 0.9, .help = "of the outer optimizer"}));
  options.algorithm =
      in.kind_or_name("algorithm", collectives::all(), {.fallback = "ring", .help = "of the averaging"});
  if (!in.describing() && options.period % options.fragments != 0)
    in.fail("fragments", fmt::format("must divide the period, {}", options.period));
  return {.sends_gradients = false, .shrinks = true, .make = [options](Training& training) {
            return std::make_unique<DiLoCo>(training, options);
          }};
}

}  // namespace paceline::strategies
