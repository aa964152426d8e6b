// graph: any links among the accelerators; the route with the fewest links, then the least latency.
#include <fmt/format.h>

#include "topologies/fabrics/fabric.hpp"

namespace paceline::fabrics {

FabricMaker graph(Reader& in) {
  in.about("any links among accelerators, which pass on what is not for them; the route with the fewest links");
  std::vector<topologies::Graph::Edge> links;
  in.objects("links", "full duplex", [&](Reader& link) {
    const IntegerKey accelerator{.minimum = 0, .maximum = 255, .help = "an accelerator, from 0"};
    const int from = int(link.integer("from", accelerator)), to = int(link.integer("to", accelerator));
    const LinkSpec spec = topologies::read_link(link);
    if (link.describing()) return;
    if (from == to) link.fail("to", "a link must join two accelerators");
    for (const auto& other : links)
      if (std::minmax(other.from, other.to) == std::minmax(from, to))
        link.fail("to", "these two are joined already: add up the bandwidths");
    links.push_back({from, to, spec});
  });
  return {[links](int count, int) {
    auto shape = accelerators(count);
    for (const auto& link : links) {
      if (std::max(link.from, link.to) >= count)
        throw std::invalid_argument(fmt::format("there is no accelerator {}: a host has {}, numbered from 0",
                                                std::max(link.from, link.to), count));
      shape.join(link.from, link.to, link.spec);
    }
    return shape;
  }};
}

}  // namespace paceline::fabrics
