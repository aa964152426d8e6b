// Names of links, "from -> to": the links that a pattern means.
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

}  // namespace paceline
