// Parameters: immutable versions of the flat vector, shared by reference count. With several servers a worker holds a
// version of each shard's slice. Without numerics there are versions but no values.
#pragma once
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <memory>

#include "sim/core/ledger.hpp"

namespace paceline {

struct Version {
  std::int64_t number = 0;               // updates applied before it
  std::shared_ptr<const Values> values;  // null without numerics
};
using Parameters = boost::container::small_vector<Version, 1>;  // by shard

// The slice [begin, end) of `size` entries that shard k of K holds: bytes are balanced.
inline std::size_t shard_begin(std::size_t size, int shard, int shards) {
  return size * std::size_t(shard) / std::size_t(shards);
}

}  // namespace paceline
