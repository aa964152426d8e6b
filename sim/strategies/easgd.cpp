// easgd: elastic averaging SGD (Zhang, Choromanska, LeCun 2015); α = η ρ. At its local step k = 0, 1, … a worker takes
// the gradient at x_w as it is before any exchange; if the period divides k,
//     d = α (x_w - c),  x_w ← x_w - d,  c ← c + d,
// c being the centre at the servers; then x_w ← x_w - η g. Asynchronous: one worker after the other, at the start of
// the step, in the order in which requests arrive. Synchronous: all d from the same c, summed in the order of workers.
// The centre is stable for 0 ≤ α ≤ 1, synchronous for N α ≤ 1 … 2 - ηλ.
#include <fmt/format.h>

#include "sim/strategies/replicas.hpp"
#include "sim/strategies/strategy.hpp"

namespace paceline::strategies {
namespace {

struct Options {
  std::int64_t period = 1;
  double rho = 0;
  bool synchronous = false;
};

class Easgd final : public Strategy {
 public:
  Easgd(Training& training, const Options& options)
      : training_(training),
        options_(options),
        alpha_(float(training.optimizer().learning_rate * training.phase_rate() * options.rho)),
        replicas_(training),
        moves_(std::size_t(training.workers()), Values(training.pool().size())) {}

  Task<> work(Worker& me) override {
    const Values& d = moves_[std::size_t(me.rank())];
    for (std::int64_t k = me.steps_in_phase(); !me.finished(); ++k) {
      GradientRef g = me.next_gradient(replicas_.at(me.rank()));
      if (k % options_.period == 0) {
        co_await me.exchange(g, training_.cost().gradient_bytes());
        replicas_.change(me.rank(), [&](std::span<float> x) {
          for (std::size_t i = 0; i < x.size(); ++i) x[i] -= d[i];
        });
      }
      co_await me.compute(g);
      co_await me.update(g);
      replicas_.step(g);
    }
  }

  Task<> serve(Server& server) override {
    for (;;) {
      std::vector<int> in;
      do {
        const GradientRef g = co_await server.next();
        g->at_server = false;  // it is the worker's own affair
        in.push_back(g->worker);
      } while (options_.synchronous && int(in.size()) < server.workers());
      std::sort(in.begin(), in.end());
      server.change([&](std::span<float> c) { pull(in, c, server.begin()); });
      for (int worker : in) server.answer(worker);
    }
  }

  // Starts again from the centre.
  Task<> rejoin(Worker& me) override { replicas_.set(me.rank(), training_.whole(co_await me.pull())); }

  std::shared_ptr<const Values> evaluated() override { return training_.served(); }

 private:
  // c: the slice of the centre from `begin` on.
  void pull(const std::vector<int>& workers, std::span<float> c, std::size_t begin) {
    for (int w : workers) {
      const Values& x = *replicas_.values(w);
      Values& d = moves_[std::size_t(w)];
      for (std::size_t i = 0; i < c.size(); ++i) d[begin + i] = alpha_ * (x[begin + i] - c[i]);
    }
    for (int w : workers)
      for (std::size_t i = 0; i < c.size(); ++i) c[i] += moves_[std::size_t(w)][begin + i];
  }

  Training& training_;
  Options options_;
  float alpha_;
  Replicas replicas_;
  std::vector<Values> moves_;  // d, by worker
};

}  // namespace

StrategyMaker easgd(Reader& in) {
  in.about("workers and a centre pull each other (elastic averaging, Zhang, Choromanska, LeCun 2015)");
  Options options;
  options.period =
      in.integer("period", {.minimum = 1, .maximum = 1'000'000'000, .help = "local steps between exchanges"});
  options.rho = in.number("rho", {.minimum = 0, .help = "elasticity: the pull is learning_rate times this"});
  options.synchronous = in.boolean("synchronous", false, "all exchange together");
  read_servers_only(in);
  return {.uses_servers = true, .sends_gradients = false, .make = [options](Training& training) {
            return std::make_unique<Easgd>(training, options);
          }};
}

}  // namespace paceline::strategies
