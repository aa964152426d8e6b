// nvlink_mesh: a link from every accelerator to every other.
#include "topologies/fabrics/fabric.hpp"

namespace paceline::fabrics {

FabricMaker nvlink_mesh(Reader& in) {
  in.about("a link from every accelerator to every other");
  const LinkSpec spec = topologies::read_link(in);
  return {[spec](int count, int) {
    auto shape = accelerators(count);
    for (int i = 0; i < count; ++i)
      for (int k = i + 1; k < count; ++k) shape.join(i, k, spec);
    return shape;
  }};
}

}  // namespace paceline::fabrics
