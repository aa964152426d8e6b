// iid: equal shares of the rows at random, up to one row.
#include "models/partition.hpp"

namespace paceline::partitions {

PartitionMaker iid(Reader& in) {
  in.about("each worker has an equal random share of the rows");
  return {false, [](const PartitionInput& input) {
            return random_shares(input, std::vector<double>(std::size_t(input.workers), 1.0));
          }};
}

}  // namespace paceline::partitions
