// Topology: what a builder in topologies/ makes and the network runs on: directed links with a
// bandwidth and a latency, and the route between any two nodes. Its shape is const once it is built.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "sim/core/time.hpp"

namespace paceline {

using LinkId = std::uint32_t;  // 0 … links() - 1

struct LinkSpec {
  double bandwidth;  // bytes a second
  Span latency;      // one way
};

class Topology {
 public:
  virtual ~Topology() = default;

  virtual int nodes() const = 0;            // hosts that may hold workers or servers, 0 … nodes() - 1
  virtual std::uint32_t links() const = 0;  // directed
  virtual LinkSpec link(LinkId link) const = 0;
  virtual std::string link_name(LinkId link) const = 0;  // "n0 -> switch"
  virtual unsigned longest_route() const = 0;            // in links

  // Puts the links from one node to another into `out`, which is cleared first. Among routes of equal
  // cost `flow` chooses. Empty: the way is free and takes no time (the same node).
  // Throws std::invalid_argument when there is no way.
  virtual void route(int from, int to, std::uint64_t flow, std::vector<LinkId>& out) const = 0;
};

}  // namespace paceline
