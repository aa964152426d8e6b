// gossip: workers average with neighbours only; nobody holds the whole.
//   dpsgd (Lian et al. 2017), every step, in step with one's neighbours: x_w ← Σ_j W_wj x_j - η g_w(x_w). The x_j
//   travel
//     while gradients are computed.
//   adpsgd (Lian et al. 2018), in nobody's step: on finishing its gradient a worker averages with one random neighbour,
//     atomically (x_w, x_j ← their mean, when its message is there), has the answer, and then applies its gradient.
// On a ring W = 1/3 each (1/2 for N = 2), on a full mesh 1/N. The spectral gap 1 - |λ₂(W)| bounds how fast the workers
// agree: 1 on a mesh, O(1/N²) on a ring.
#include <set>

#include "sim/strategies/peers.hpp"
#include "sim/strategies/replicas.hpp"
#include "sim/strategies/strategy.hpp"

namespace paceline::strategies {
namespace {

// By worker, ascending.
std::vector<std::vector<int>> ring(int n) {
  std::vector<std::vector<int>> neighbours;
  for (int w = 0; w < n; ++w) {
    std::set<int> own{(w + 1) % n, (w + n - 1) % n};
    own.erase(w);
    neighbours.emplace_back(own.begin(), own.end());
  }
  return neighbours;
}
std::vector<std::vector<int>> full_mesh(int n) {
  std::vector<std::vector<int>> neighbours(static_cast<std::size_t>(n));
  for (int w = 0; w < n; ++w)
    for (int j = 0; j < n; ++j)
      if (j != w) neighbours[std::size_t(w)].push_back(j);
  return neighbours;
}

class Gossip : public Strategy {
 public:
  Gossip(Training& training, bool mesh)
      : training_(training),
        neighbours_(mesh ? full_mesh(training.workers()) : ring(training.workers())),
        replicas_(training),
        peers_(training) {}

  std::shared_ptr<const Values> evaluated() override { return replicas_.mean(); }

 protected:
  Training& training_;
  std::vector<std::vector<int>> neighbours_;
  Replicas replicas_;
  Peers peers_;
};

class Dpsgd final : public Gossip {
 public:
  using Gossip::Gossip;

  Task<> work(Worker& me) override {
    const std::vector<int>& neighbours = neighbours_[std::size_t(me.rank())];
    for (std::int64_t t = me.steps_in_phase(); !me.finished(); ++t) {
      const Version own = replicas_.version(me.rank());
      GradientRef g = me.next_gradient(replicas_.at(me.rank()));
      for (int j : neighbours) peers_.send(me.rank(), j, training_.cost().gradient_bytes(), own.values);
      co_await me.compute(g);
      std::vector<std::shared_ptr<const Values>> theirs;
      for (int j : neighbours) theirs.push_back((co_await peers_.receive(me, j)).values);
      co_await me.update(g);
      replicas_.set(me.rank(), mixed(me.rank(), own.values, theirs));
      replicas_.step(g);
      finish_step(t);
    }
  }

  std::any saved() const override { return State{replicas_.saved(), first_}; }
  void restore(const std::any& saved) override {
    const auto& state = std::any_cast<const State&>(saved);
    replicas_.restore(state.replicas);
    first_ = state.first;
  }

 private:
  struct State {
    std::any replicas;
    std::int64_t first;
  };

  // W is uniform over a worker and its neighbours, all of which have as many; summed in the order of workers.
  std::shared_ptr<const Values> mixed(int rank, const std::shared_ptr<const Values>& own,
                                      const std::vector<std::shared_ptr<const Values>>& theirs) {
    if (!own) return nullptr;
    const std::vector<int>& neighbours = neighbours_[std::size_t(rank)];
    std::vector<const Values*> all;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      if (int(all.size()) == int(i) && neighbours[i] > rank) all.push_back(own.get());
      all.push_back(theirs[i].get());
    }
    if (all.size() == theirs.size()) all.push_back(own.get());
    auto mean = training_.pool().buffer();
    *mean = *all[0];
    for (std::size_t j = 1; j < all.size(); ++j)
      for (std::size_t i = 0; i < mean->size(); ++i) (*mean)[i] += (*all[j])[i];
    for (float& each : *mean) each /= float(all.size());
    return mean;
  }

  // The parameters of all have changed once all have taken a step.
  void finish_step(std::int64_t t) {
    if (std::size_t(t - first_) >= through_.size()) through_.push_back(0);
    ++through_[std::size_t(t - first_)];
    for (; !through_.empty() && through_.front() == training_.workers(); through_.pop_front(), ++first_)
      training_.updated(false);
  }

  std::deque<int> through_;  // workers, by step from first_ on
  std::int64_t first_ = 0;   // step that not all have taken
};

class Adpsgd final : public Gossip {
 public:
  Adpsgd(Training& training, bool mesh)
      : Gossip(training, mesh), seed_(training.cluster().seed()), averaged_(std::size_t(training.workers())) {}

  Task<> work(Worker& me) override {
    const std::vector<int>& neighbours = neighbours_[std::size_t(me.rank())];
    const Stream stream(seed_, "gossip", std::uint64_t(me.rank()));
    const double bytes = training_.cost().gradient_bytes();
    for (auto t = std::uint64_t(me.steps_in_phase()); !me.finished(); ++t) {
      GradientRef g = me.next_gradient(replicas_.at(me.rank()));
      std::int64_t& averaged = averaged_[std::size_t(me.rank())];
      averaged = 0;
      co_await me.compute(g);
      std::vector<int> up;
      for (int j : neighbours)
        if (!training_.is_down(j)) up.push_back(j);
      if (!up.empty()) {
        const int j = up[stream.below(up.size(), t)];
        co_await peers_.carry(me, me.rank(), j, bytes);
        average(me.rank(), j);
        co_await peers_.carry(me, j, me.rank(), bytes);
      }
      co_await me.update(g);
      replicas_.step(g, averaged);
      training_.updated(false);
    }
  }

  // Takes over the parameters of a neighbour.
  Task<> rejoin(Worker& me) override {
    for (int j : neighbours_[std::size_t(me.rank())]) {
      if (training_.is_down(j)) continue;
      co_await peers_.carry(me, j, me.rank(), training_.cost().gradient_bytes());
      replicas_.set(me.rank(), replicas_.version(j).values);
      co_return;
    }
  }

 private:
  void average(int a, int b) {
    const std::vector<int> both{std::min(a, b), std::max(a, b)};
    const auto mean = replicas_.mean(both);
    replicas_.set(a, mean);
    replicas_.set(b, mean);
    ++averaged_[std::size_t(b)];
  }

  std::uint64_t seed_;
  std::vector<std::int64_t> averaged_;  // by others, since its gradient was begun
};

}  // namespace

StrategyMaker gossip(Reader& in) {
  in.about("averaging with neighbours only: D-PSGD (Lian et al. 2017), AD-PSGD (Lian et al. 2018)");
  const bool asynchronous = in.text("variant", {.choices = {"dpsgd", "adpsgd"},
                                                .fallback = "dpsgd",
                                                .help = "in step with all neighbours; or with one at random, in "
                                                        "nobody's step"}) == "adpsgd";
  const bool mesh =
      in.text("graph", {.choices = {"ring", "full_mesh"},
                        .fallback = "ring",
                        .help = "who is whose neighbour; messages go as the topology routes them"}) == "full_mesh";
  return {.sends_gradients = false,
          .fails_alone = asynchronous,
          .make = [asynchronous, mesh](Training& training) -> std::unique_ptr<Strategy> {
            if (asynchronous) return std::make_unique<Adpsgd>(training, mesh);
            return std::make_unique<Dpsgd>(training, mesh);
          }};
}

}  // namespace paceline::strategies
