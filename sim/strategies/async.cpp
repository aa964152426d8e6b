// async: asynchronous SGD with parameter servers (Downpour, Dean et al. 2012). Every worker pulls, computes, pushes;
// the server applies each gradient at once and answers with the parameters as they are then. Staleness-aware rates: η /
// max(1, τ) (Zhang et al. 2015); η min(1, T / max(1, τ)) (delay-adaptive, Mishchenko et al. 2022).
#include "sim/strategies/strategy.hpp"

namespace paceline::strategies {
namespace {

using RateScale = std::function<double(std::int64_t staleness)>;

class Async final : public Served {
 public:
  Async(Training& training, RateScale scale) : Served(training), scale_(std::move(scale)) {}

  Task<> serve(Server& server) override {
    for (;;) {
      GradientRef g = co_await server.next();
      co_await server.apply(g, scale_(server.staleness(g)));
      server.answer(g->worker);
    }
  }

 private:
  RateScale scale_;
};

}  // namespace

StrategyMaker async(Reader& in) {
  in.about("asynchronous SGD: the server applies each gradient at once (Downpour, Dean et al. 2012)");
  const double momentum =
      in.number("server_momentum",
                {.minimum = 0, .maximum = 0.9999, .fallback = 0, .help = "shorthand for momentum in the optimizer"});
  const std::string scaling =
      in.text("staleness_scaling", {.choices = {"none", "inverse", "delay_adaptive"},
                                    .fallback = "none",
                                    .help = "rate times 1/max(1, staleness), or min(1, threshold/max(1, staleness))"});
  const auto threshold = in.optional_number(
      "threshold", {.minimum = 0, .above_minimum = true, .help = "of delay_adaptive; left out: the number of workers"});
  if (threshold && scaling != "delay_adaptive" && !in.describing())
    in.fail("threshold", "goes with \"staleness_scaling\": \"delay_adaptive\" only");
  const double limit = threshold.value_or(in.context().workers);
  RateScale scale = [](std::int64_t) { return 1.0; };
  if (scaling == "inverse")
    scale = [](std::int64_t staleness) { return 1.0 / double(std::max<std::int64_t>(1, staleness)); };
  if (scaling == "delay_adaptive")
    scale = [limit](std::int64_t staleness) {
      return std::min(1.0, limit / double(std::max<std::int64_t>(1, staleness)));
    };
  read_servers_only(in);
  return {.uses_servers = true, .server_momentum = momentum, .make = [scale](Training& training) {
            return std::make_unique<Async>(training, scale);
          }};
}

}  // namespace paceline::strategies
