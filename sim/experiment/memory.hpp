// What a worker keeps on its device, against the memory that it has: parameters, gradients and the optimizer's state in
// float32, activations of one batch. Under ZeRO with N workers each holds 1/N of the optimizer's state (zero1), of the
// gradients as well (zero2), of the parameters as well (zero3; without the parts that are gathered at the moment).
// Where parameter servers step, the optimizer's state is theirs.
#pragma once
#include <memory>
#include <string>

#include "sim/experiment/spec.hpp"

namespace paceline {

// The cost of a scenario's steps with its model, when workers take batches of these sizes.
std::unique_ptr<Cost> make_cost(const Spec& spec, const Model& model, const std::vector<int>& sizes);

struct MemoryNeed {
  double parameters = 0, gradients = 0, optimizer = 0, activations = 0;  // bytes
  double sum() const { return parameters + gradients + optimizer + activations; }
};
MemoryNeed memory_need(const Spec& spec, const Model& model, const Cost& cost, int worker);

// What does not fit where, with the sum, or nothing. Devices of unknown memory hold everything.
std::string memory_excess(const Spec& spec, const Model& model);

}  // namespace paceline
