// weighted: random shares of given relative sizes.
#include <fmt/format.h>

#include "models/partition.hpp"

namespace paceline::partitions {

PartitionMaker weighted(Reader& in) {
  in.about("random shares of the rows, of given relative sizes");
  const std::vector<double> weights =
      in.numbers("weights", {.minimum = 0, .above_minimum = true, .help = "one for each worker, as in [1, 1, 4]"});
  if (!in.describing() && int(weights.size()) != in.context().workers)
    in.fail("weights",
            fmt::format("must list a number for each of {} workers, not {}", in.context().workers, weights.size()));
  return {false, [weights](const PartitionInput& input) { return random_shares(input, weights); }};
}

}  // namespace paceline::partitions
