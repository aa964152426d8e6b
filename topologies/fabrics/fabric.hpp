// Fabric: what joins the accelerators of one host, as a topology of its own whose nodes are the accelerators, then,
// where they hang on it, the network cards. Kinds as everywhere: a file each, a line in registry.cpp.
#pragma once
#include "topologies/graph.hpp"

namespace paceline {

struct FabricMaker {
  std::function<topologies::Graph::Shape(int accelerators, int nics)> build;
};

namespace fabrics {

const Registry<FabricMaker>& all();

// Accelerators "gpu0", "gpu1", …, not joined yet.
topologies::Graph::Shape accelerators(int count);

}  // namespace fabrics
}  // namespace paceline
