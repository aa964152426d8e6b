// backup_workers: synchronous SGD with backup workers (Chen et al. 2016, "Revisiting distributed synchronous SGD"). A
// step ends when the first N - b gradients at its parameters are in; late ones are dropped and counted. A step then
// takes the (N - b)-th order statistic of the workers' times: H_N - H_b for exponential ones.
#include <fmt/format.h>

#include "sim/strategies/first_gradients.hpp"

namespace paceline::strategies {

StrategyMaker backup_workers(Reader& in) {
  in.about("a step ends with the first N - b gradients; late ones are dropped (Chen et al. 2016)");
  const auto backups = in.integer(
      "backups", {.minimum = 0, .maximum = 1 << 20, .help = "b: workers whose gradients a step does not wait for"});
  const bool cancel = in.boolean("cancel", false,
                                 "true: who is late abandons its work when the new parameters reach it; "
                                 "false: it finishes, and its gradient is dropped");
  read_servers_only(in);
  if (!in.describing() && backups >= in.context().workers)
    in.fail("backups", fmt::format("must be below the number of workers, {}", in.context().workers));
  return {.uses_servers = true, .make = [backups, cancel](Training& training) {
            return std::make_unique<FirstGradients>(training, training.workers() - int(backups), cancel);
          }};
}

}  // namespace paceline::strategies
