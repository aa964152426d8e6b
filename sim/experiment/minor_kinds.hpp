// Kinds with one plain value each: the order of samples, the compression of what workers send.
#pragma once
#include "sim/core/registry.hpp"

namespace paceline {

struct Nothing {};

namespace orders {
const Registry<bool>& all();  // whether samples are shuffled
}
namespace compressors {
const Registry<Nothing>& all();
}

}  // namespace paceline
