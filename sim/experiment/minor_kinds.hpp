// The order of samples: a kind with one plain value.
#pragma once
#include "sim/core/registry.hpp"

namespace paceline {

namespace orders {
const Registry<bool>& all();  // whether samples are shuffled
}

}  // namespace paceline
