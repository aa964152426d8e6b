#include "sim/cluster/topology.hpp"

#include <algorithm>

namespace paceline {

bool Topology::detour(int from, int to, const std::function<bool(LinkId)>& usable, std::vector<LinkId>& out) const {
  constexpr std::uint64_t tries = 256;
  for (std::uint64_t flow = 0; flow < tries; ++flow) {
    route(from, to, flow, out);
    if (std::all_of(out.begin(), out.end(), usable)) return true;
  }
  out.clear();
  return false;
}

}  // namespace paceline
