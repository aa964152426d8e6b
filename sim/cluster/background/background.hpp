// Background traffic: flows of others on the same links. Each entry of `cluster.background_traffic` is a process that
// sends and never waits; its bytes load the links and are counted on their own, and it keeps no run alive.
#pragma once
#include <functional>

#include "sim/cluster/network.hpp"
#include "sim/core/random.hpp"
#include "sim/core/registry.hpp"

namespace paceline {

struct BackgroundWorld {
  Engine& engine;
  Network& network;
  std::uint64_t seed;
  std::uint64_t entry;  // in the list
};

struct BackgroundMaker {
  std::vector<int> from, to;  // nodes; empty: all
  std::function<Task<>(BackgroundWorld)> run;
};

namespace backgrounds {
const Registry<BackgroundMaker>& all();
}

}  // namespace paceline
