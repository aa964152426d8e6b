// The picture of a topology as SVG: every vertex up to 256 nodes, beyond that one box for all of a kind.
#pragma once
#include <string>

#include "sim/cluster/topology.hpp"

namespace paceline {

std::string picture(const Topology& topology, const std::string& file);

}  // namespace paceline
