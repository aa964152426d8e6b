#include "topologies/topology_maker.hpp"

namespace paceline::topologies {

LinkSpec read_link(Reader& in) {
  const double bandwidth = in.bandwidth("bandwidth", {.above_minimum = true, .help = "of each direction"});
  if (bandwidth < 0.125 && in.has("bandwidth")) in.fail("bandwidth", "must be at least 1bps");
  const double latency = in.duration("latency", {.maximum = 3600, .help = "one-way, of this link"});
  return {bandwidth, span_of(latency)};
}

int read_nodes(Reader& in) {
  return int(
      in.optional_integer("nodes",
                          {.minimum = 1, .maximum = 1 << 20, .help = "hosts; left out: workers and dedicated servers"})
          .value_or(0));
}

}  // namespace paceline::topologies
