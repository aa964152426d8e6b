// nvswitch: every accelerator on one switch by one full-duplex link; two are two links apart.
#include <fmt/format.h>

#include "topologies/fabrics/fabric.hpp"

namespace paceline::fabrics {

topologies::Graph::Shape accelerators(int count) {
  topologies::Graph::Shape shape;
  for (int i = 0; i < count; ++i) shape.add(fmt::format("gpu{}", i));
  shape.nodes = count;
  return shape;
}

FabricMaker nvswitch(Reader& in) {
  in.about("every accelerator on one switch by one full-duplex link");
  const LinkSpec spec = topologies::read_link(in);
  return {[spec](int count, int) {
    auto shape = accelerators(count);
    const int hub = shape.add("nvswitch");
    for (int i = 0; i < count; ++i) shape.join(i, hub, spec);
    return shape;
  }};
}

}  // namespace paceline::fabrics
