// Topology: what a builder in topologies/ makes and the network runs on: directed links with a
// bandwidth and a latency, and the route between any two nodes. Its shape is const once it is built.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/core/time.hpp"

namespace paceline {

using LinkId = std::uint32_t;  // 0 … links() - 1

struct LinkSpec {
  double bandwidth;       // bytes a second
  Span latency;           // one way
  double efficiency = 1;  // payload over wire bytes, above 0 and at most 1
  Span overhead{0};       // of every message, on top of the latency; does not overlap with the message before
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

  // The machine that a node is in: nodes of one host reach each other without the network's NICs. Hosts are numbered
  // from 0 in the order of their nodes. By default a node is a host of its own.
  virtual int host(int node) const { return node; }

  // A route over usable links only, where the one above has one that is not. False, and `out` empty: there is none, or
  // none is known. By default the routes of other flows are tried, which is what ECMP has to offer.
  virtual bool detour(int from, int to, const std::function<bool(LinkId)>& usable, std::vector<LinkId>& out) const;
};

}  // namespace paceline
