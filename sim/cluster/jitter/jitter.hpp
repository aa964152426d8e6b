// Jitter: a factor of mean 1 on a step's duration, drawn for each worker and step; given as its quantile function.
#pragma once
#include <functional>

#include "sim/core/registry.hpp"

namespace paceline {

using Jitter = std::function<double(double u)>;  // u in (0, 1)

namespace jitters {
const Registry<Jitter>& all();
}

}  // namespace paceline
