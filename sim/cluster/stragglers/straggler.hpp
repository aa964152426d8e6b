// Straggler: a process that changes the speed of some workers' devices. Any number; their factors multiply.
#pragma once
#include <functional>
#include <vector>

#include "sim/core/engine.hpp"
#include "sim/core/registry.hpp"

namespace paceline {

struct StragglerMaker {
  std::vector<int> workers;
  // The process; `slow` puts a factor on the durations of all these workers from now on.
  std::function<Task<>(Engine& engine, std::function<void(double factor)> slow)> run;
};

namespace stragglers {
const Registry<StragglerMaker>& all();
}

}  // namespace paceline
