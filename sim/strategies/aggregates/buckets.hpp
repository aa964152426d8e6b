// Buckets: how a gradient is cut for its all-reduce, in the order in which backward yields it. A tensor is never split:
// a bucket closes when it has reached its size, or when its tensors took so long to come.
#pragma once
#include <vector>

#include "sim/cluster/cost.hpp"

namespace paceline {

struct BucketRule {
  double size = 0, first = 0;  // bytes
  double time = 0;             // seconds since the one before closed
};

// Bytes of each, for a backward of so many seconds. Throws ConfigError when they are too many.
std::vector<double> buckets_of(const Cost& cost, double backward, const BucketRule& rule);

}  // namespace paceline
