// Names of links, "from -> to": the links that a pattern means, and the nodes at their ends.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "sim/cluster/topology.hpp"

namespace paceline {

// "n0 -> switch" is one link, "n0 <-> switch" both directions; * stands for any text. Ascending; empty: there is none.
std::vector<LinkId> links_named(const Topology& topology, std::string_view pattern);

// The name in the topology that is most like a pattern that means none: "; did you mean …?", or "".
std::string nearest_link(const Topology& topology, const std::string& pattern);

// The nodes that links begin and end at, -1 for switches.
struct LinkEnds {
  explicit LinkEnds(const Topology& topology);
  std::vector<int> first_node, last_node;  // by link
};

}  // namespace paceline
