// proportional: random shares in proportion to the speed of the workers' devices (peak × efficiency).
#include "models/partition.hpp"

namespace paceline::partitions {

PartitionMaker proportional(Reader& in) {
  in.about("random shares of the rows in proportion to the speed of each worker's device");
  return {true, [](const PartitionInput& input) { return random_shares(input, input.speeds); }};
}

}  // namespace paceline::partitions
