// nvlink_ring: every accelerator joined to the next, the last to the first; the shorter way round.
#include "topologies/fabrics/fabric.hpp"

namespace paceline::fabrics {

FabricMaker nvlink_ring(Reader& in) {
  in.about("every accelerator joined to the next, the last to the first");
  const LinkSpec spec = topologies::read_link(in);
  return {[spec](int count, int) {
    auto shape = accelerators(count);
    for (int i = 0; i + 1 < count; ++i) shape.join(i, i + 1, spec);
    if (count > 2) shape.join(count - 1, 0, spec);
    return shape;
  }};
}

}  // namespace paceline::fabrics
