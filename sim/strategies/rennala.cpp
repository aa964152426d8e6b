// rennala: Rennala SGD (Tyurin & Richtárik 2023, "Optimal time complexities of parallel stochastic optimization
// methods"). x ← x - η · mean of the first S gradients taken at the current x, from anyone; those taken at an older one
// are discarded on arrival, and nobody is cancelled. Optimal in time for fixed computation times τ_i:
// O(min_m [(1/m Σ_{i≤m} 1/τ_i)^-1 (LΔ/ε + σ²LΔ/(mε²))]).
#include "sim/strategies/first_gradients.hpp"

namespace paceline::strategies {
namespace {

class Rennala final : public Served {
 public:
  Rennala(Training& training, int batch) : Served(training, true), batch_(batch) {}

  Task<> serve(Server& server) override {
    for (std::vector<GradientRef> in;;) {
      GradientRef g = co_await server.next();
      if (server.staleness(g) > 0) server.drop(g);
      else in.push_back(g);
      if (int(in.size()) == batch_) {
        co_await server.apply_mean(in);
        in.clear();
      }
      server.answer(g->worker);
    }
  }
  bool global_steps() const override { return true; }
  std::int64_t most_open(int workers) const override { return 2 * workers + batch_; }

 private:
  int batch_;
};

}  // namespace

StrategyMaker rennala(Reader& in) {
  in.about("a step takes the first S gradients at the current parameters from anyone (Tyurin & Richtarik 2023)");
  const auto batch =
      in.integer("batch", {.minimum = 1, .maximum = 1 << 24, .help = "S: gradients that a step waits for"});
  read_servers_only(in);
  return {.uses_servers = true,
          .make = [batch](Training& training) { return std::make_unique<Rennala>(training, int(batch)); }};
}

}  // namespace paceline::strategies
