// push_sum: stochastic gradient push (SGP, Assran et al. 2019), on a directed exponential graph. A worker holds (x, ω),
// at first ω = 1. At step k it computes its gradient at z = x / ω, applies it to x, sends half of (x, ω) to worker
// (i + 2^(k mod ⌈lg N⌉)) mod N and keeps half; what comes in is added. Σ ω = N, and the mean of the x is what all agree
// on.
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <numeric>

#include "sim/strategies/peers.hpp"
#include "sim/strategies/replicas.hpp"
#include "sim/strategies/strategy.hpp"

namespace paceline::strategies {
namespace {

class PushSum final : public Strategy {
 public:
  explicit PushSum(Training& training)
      : training_(training),
        x_(training),
        peers_(training),
        weights_(std::size_t(training.workers()), 1.0),
        coming_(std::size_t(training.workers())) {}

  Task<> work(Worker& me) override {
    const int n = training_.workers(), rank = me.rank();
    const int rounds = n > 1 ? int(std::bit_width(unsigned(n - 1))) : 0;  // ⌈lg N⌉
    double& weight = weights_[std::size_t(rank)];
    for (std::int64_t k = me.steps_in_phase(); !me.finished(); ++k) {
      GradientRef g = me.next_gradient({Version{x_.version(rank).number, estimate(rank)}});
      co_await me.compute(g);
      co_await me.update(g);
      x_.step(g);
      if (n > 1) {
        const int hop = (1 << (k % rounds)) % n;
        x_.change(rank, [](std::span<float> x) { scale(x, 0.5f); });
        weight /= 2;
        under_way_ += weight;
        coming_[std::size_t((rank + hop) % n)].push_back(x_.version(rank).values);
        peers_.send(rank, (rank + hop) % n, training_.cost().gradient_bytes() + sizeof(float), x_.version(rank).values,
                    weight);
        const Peers::Message in = co_await peers_.receive(me, (rank + n - hop) % n);
        x_.change(rank, [&](std::span<float> x) {
          for (std::size_t i = 0; i < x.size(); ++i) x[i] += (*in.values)[i];
        });
        coming_[std::size_t(rank)].pop_front();
        weight += in.weight;
        under_way_ -= in.weight;
      }
      if (++applied_ % n == 0) training_.updated(false);
    }
  }

  // Σ x, of workers and of messages under way, over N: what is conserved.
  std::shared_ptr<const Values> evaluated() override {
    auto mean = training_.pool().buffer();
    std::fill(mean->begin(), mean->end(), 0.0f);
    const auto add = [&](const Values& x) {
      for (std::size_t i = 0; i < mean->size(); ++i) (*mean)[i] += x[i];
    };
    for (int w = 0; w < training_.workers(); ++w) {
      add(*x_.values(w));
      for (const auto& x : coming_[std::size_t(w)]) add(*x);
    }
    scale(*mean, 1 / float(training_.workers()));
    return mean;
  }

  std::any saved() const override { return State{x_.saved(), weights_, applied_}; }
  void restore(const std::any& saved) override {
    const auto& state = std::any_cast<const State&>(saved);
    x_.restore(state.x);
    weights_ = state.weights;
    applied_ = state.applied;
  }

  std::vector<Check> checks() const override {
    const double sum = std::accumulate(weights_.begin(), weights_.end(), under_way_);
    return {{"push-sum weights", std::abs(sum - training_.workers()) <= 1e-9 * training_.workers(),
             fmt::format("sum {:.12g} of {} workers", sum, training_.workers())}};
  }

 private:
  struct State {
    std::any x;
    std::vector<double> weights;
    std::int64_t applied;
  };

  static void scale(std::span<float> x, float by) {
    for (float& each : x) each *= by;
  }
  std::shared_ptr<const Values> estimate(int rank) {
    if (!training_.pool().real() || weights_[std::size_t(rank)] == 1) return x_.version(rank).values;
    auto z = training_.pool().buffer();
    *z = *x_.values(rank);
    scale(*z, float(1 / weights_[std::size_t(rank)]));
    return z;
  }

  Training& training_;
  Replicas x_;
  Peers peers_;
  std::vector<double> weights_;                                    // ω, by worker
  double under_way_ = 0;                                           // ω of messages
  std::vector<std::deque<std::shared_ptr<const Values>>> coming_;  // x of messages, by receiver
  std::int64_t applied_ = 0;
};

}  // namespace

StrategyMaker push_sum(Reader& in) {
  in.about("stochastic gradient push: halves of (x, weight) over a directed exponential graph (Assran et al. 2019)");
  return {.sends_gradients = false, .make = [](Training& training) { return std::make_unique<PushSum>(training); }};
}

}  // namespace paceline::strategies
