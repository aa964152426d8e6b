// shared: one order of all rows, dealt out batch by batch; nobody has rows of its own.
#include "models/partition.hpp"

namespace paceline::partitions {

PartitionMaker shared(Reader& in) {
  in.about("one order of the whole training set, dealt out batch by batch");
  return {};
}

}  // namespace paceline::partitions
