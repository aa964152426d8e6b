// fedbuff: buffered asynchronous aggregation (Nguyen et al. 2022). A worker pulls x, takes `local_steps` of
// training.optimizer, started afresh, and sends Δ = x_pulled - x_local; the server gathers K deltas, from anyone, and
// applies x ← x - η_server · mean Δ; nobody waits for that. Its gradients count as applied then, each as stale as its
// Δ.
#include "sim/strategies/strategy.hpp"

namespace paceline::strategies {
namespace {

struct Options {
  int buffer = 1, local_steps = 1;
  float learning_rate = 1;
};

class FedBuff final : public Strategy {
 public:
  FedBuff(Training& training, const Options& options)
      : training_(training), options_(options), latest_(std::size_t(training.workers())) {}

  Task<> work(Worker& me) override {
    for (Parameters x = me.initial(); !me.finished();) {
      auto delta = std::make_shared<Delta>();
      delta->pulled = x;
      std::unique_ptr<Optimizer> optimizer;
      std::shared_ptr<const Values> local = training_.whole(x), start = local;
      if (local) optimizer = training_.optimizer().make(training_.pool().tensor_sizes());
      for (int k = 0; k < options_.local_steps; ++k) {
        GradientRef g = me.next_gradient({Version{x[0].number, local}});
        delta->gradients.push_back(g);
        co_await me.compute(g);
        co_await me.update(g);
        local = stepped(local, g, optimizer.get());
      }
      if (start) {
        delta->values = *start;
        for (std::size_t i = 0; i < local->size(); ++i) delta->values[i] -= (*local)[i];
      }
      latest_[std::size_t(me.rank())] = delta;
      x = co_await me.exchange(delta->gradients.back(), training_.cost().gradient_bytes());
    }
  }

  Task<> serve(Server& server) override {
    for (std::vector<std::shared_ptr<Delta>> in;;) {
      const int worker = (co_await server.next())->worker;
      in.push_back(latest_[std::size_t(worker)]);
      for (const GradientRef& g : in.back()->gradients) g->at_server = true;
      if (int(in.size()) == options_.buffer) {
        apply(server, in);
        in.clear();
      }
      server.answer(worker);
    }
  }

  std::shared_ptr<const Values> evaluated() override { return training_.served(); }
  std::int64_t most_open(int workers) const override {
    return std::int64_t(workers + options_.buffer) * options_.local_steps;
  }

 private:
  struct Delta {
    Parameters pulled;
    std::vector<GradientRef> gradients;
    Values values;
  };

  std::shared_ptr<const Values> stepped(const std::shared_ptr<const Values>& from, const GradientRef& g,
                                        Optimizer* optimizer) {
    if (!optimizer) return nullptr;
    auto next = training_.pool().buffer();
    optimizer->step(from->data(), training_.pool().value(g)->data(), next->data(), training_.rate());
    return next;
  }

  void apply(Server& server, const std::vector<std::shared_ptr<Delta>>& deltas) {
    for (const auto& delta : deltas)
      for (const GradientRef& g : delta->gradients)
        server.accept(g, server.version().number - delta->pulled[std::size_t(server.shard())].number);
    const float rate = options_.learning_rate / float(deltas.size());
    server.change([&](std::span<float> x) {
      for (std::size_t i = 0; i < x.size(); ++i) {
        float sum = 0;
        for (const auto& delta : deltas) sum += delta->values[server.begin() + i];
        x[i] -= rate * sum;
      }
    });
  }

  Training& training_;
  Options options_;
  std::vector<std::shared_ptr<Delta>> latest_;  // by worker
};

}  // namespace

StrategyMaker fedbuff(Reader& in) {
  in.about("the server applies the mean of K deltas of local training (FedBuff, Nguyen et al. 2022)");
  Options options;
  options.buffer = int(in.integer("buffer", {.minimum = 1, .maximum = 1 << 20, .help = "K: deltas of an update"}));
  options.local_steps = int(in.integer(
      "local_steps", {.minimum = 1, .maximum = 1 << 20, .fallback = 1, .help = "steps of a worker between pulls"}));
  options.learning_rate = float(in.number(
      "server_learning_rate", {.minimum = 0, .above_minimum = true, .fallback = 1, .help = "factor on the mean"}));
  read_servers_only(in);
  return {.uses_servers = true, .sends_gradients = false, .make = [options](Training& training) {
            return std::make_unique<FedBuff>(training, options);
          }};
}

}  // namespace paceline::strategies
