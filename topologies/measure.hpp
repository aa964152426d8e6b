// Measure: what a topology amounts to, found by looking at its links and routes alone.
//   bisection        the most that one half of the nodes can send to the other at once, one direction, over any routes
//                    (max-flow); the halves: Topology::in_first_half
//   oversubscription what the hosts of the lesser half can put on the network, over the bisection
//   diameter         the longest route in links, and the greatest sum of latencies and overheads of a route. Over all
//                    pairs of nodes up to a thousand or so, beyond that between nodes evenly spread over all
#pragma once
#include "sim/cluster/topology.hpp"

namespace paceline::topologies {

struct Measure {
  int nodes = 0, hosts = 0;
  int switches = 0, in_hosts = 0;  // vertices besides nodes: of the network, and inside hosts (cards, fabrics)
  std::uint32_t links = 0;         // directed
  double bisection = 0;            // bytes a second; infinite where nothing limits it
  double oversubscription = 1;
  unsigned diameter = 0;  // links
  Span latency{0};
};
Measure measure(const Topology& topology);

double bisection(const Topology& topology);

}  // namespace paceline::topologies
