// What a topology's kind returns when its keys are read: how many nodes it has, and how to build it.
#pragma once
#include <functional>
#include <memory>

#include "sim/cluster/topology.hpp"
#include "sim/core/registry.hpp"

namespace paceline {

struct TopologyMaker {
  int nodes = 0;  // 0: as many as are needed
  std::function<std::unique_ptr<const Topology>(int nodes)> build;
};

namespace topologies {

const Registry<TopologyMaker>& all();

// The keys "bandwidth" and "latency" of a link; latency is one-way.
LinkSpec read_link(Reader& in);
// The key "nodes" of shapes that grow with the cluster; 0 when it is left out.
int read_nodes(Reader& in);

}  // namespace topologies
}  // namespace paceline
