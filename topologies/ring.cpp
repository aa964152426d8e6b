// ring: every node joined to the next, the last to the first; routes go the shorter way round. A torus of one
// dimension.
#include "topologies/torus.hpp"

namespace paceline::topologies {

TopologyMaker ring(Reader& in) {
  in.about("every node joined to the next, the last to the first; the shorter way round");
  const int nodes = read_nodes(in);
  const LinkSpec spec = read_link(in);
  return {nodes, [spec](int count) { return std::make_unique<Torus>(count, std::vector<int>{count}, spec); }};
}

}  // namespace paceline::topologies
