// dc_asgd: delay-compensated asynchronous SGD (Zheng et al. 2017). The server applies
//     g + λ_t · g ⊙ g ⊙ (x_now - x_pulled),
// g ⊙ g standing for the diagonal of the Hessian. constant: λ_t = λ; adaptive: λ_t = λ / √(m_t + ε) with
// m_t = m · m_{t-1} + (1 - m) · g ⊙ g, kept at the server, m_0 = 0.
#include <cmath>

#include "sim/strategies/strategy.hpp"

namespace paceline::strategies {
namespace {

struct Options {
  bool adaptive = false;
  float lambda = 0, m = 0, epsilon = 0;
};

class DcAsgd final : public Served {
 public:
  DcAsgd(Training& training, const Options& options) : Served(training), options_(options) {}

  Task<> work(Worker& me) override {
    for (Parameters x = me.initial(); !me.finished();) {
      GradientRef g = me.next_gradient(std::move(x));
      g->keeps_parameters = true;
      co_await me.compute(g);
      x = co_await me.exchange(g);
    }
  }

  Task<> serve(Server& server) override {
    Values squares(options_.adaptive ? server.size() : 0);
    for (;;) {
      GradientRef g = co_await server.next();
      co_await server.apply(g, [&](std::span<float> each, std::span<const float> now, std::span<const float> pulled) {
        compensate(each, now, pulled, squares);
      });
      server.answer(g->worker);
    }
  }

 private:
  void compensate(std::span<float> g, std::span<const float> now, std::span<const float> pulled,
                  Values& squares) const {
    for (std::size_t i = 0; i < g.size(); ++i) {
      const float square = g[i] * g[i];
      float lambda = options_.lambda;
      if (options_.adaptive) {
        squares[i] = options_.m * squares[i] + (1 - options_.m) * square;
        lambda /= std::sqrt(squares[i] + options_.epsilon);
      }
      g[i] += lambda * square * (now[i] - pulled[i]);
    }
  }

  Options options_;
};

}  // namespace

StrategyMaker dc_asgd(Reader& in) {
  in.about("asynchronous SGD, gradients corrected for their delay (Zheng et al. 2017)");
  Options options;
  options.adaptive =
      in.text("variant", {.choices = {"constant", "adaptive"},
                          .fallback = "constant",
                          .help = "lambda as it is, or over the root of the mean squared gradient"}) == "adaptive";
  options.lambda = float(in.number("lambda", {.minimum = 0, .help = "strength of the correction"}));
  options.m = float(in.number(
      "m",
      {.minimum = 0, .maximum = 0.999999, .fallback = 0.95, .help = "adaptive: share of the mean that a step keeps"}));
  options.epsilon = float(in.number(
      "epsilon", {.minimum = 0, .above_minimum = true, .fallback = 1e-7, .help = "adaptive: below the root"}));
  read_servers_only(in);
  return {.uses_servers = true,
          .make = [options](Training& training) { return std::make_unique<DcAsgd>(training, options); }};
}

}  // namespace paceline::strategies
