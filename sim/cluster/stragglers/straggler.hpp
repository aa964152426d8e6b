// Straggler: a process that changes the speed of some workers' devices. Any number; their factors multiply.
#pragma once
#include <functional>

#include "sim/core/engine.hpp"
#include "sim/core/registry.hpp"

namespace paceline {

struct StragglerMaker {
  // The process; `slow` puts a factor on the durations of a worker from now on.
  using Slow = std::function<void(int worker, double factor)>;
  std::function<Task<>(Engine& engine, int workers, Slow slow)> run;
};

namespace stragglers {
const Registry<StragglerMaker>& all();
}

}  // namespace paceline
