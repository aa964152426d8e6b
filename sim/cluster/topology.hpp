// Topology: what a builder in topologies/ makes and the network runs on: directed links with a
// bandwidth and a latency, and the route between any two nodes. Its shape is const once it is built.
//
// Vertices are what links join: first the nodes, then what only passes bytes on (switches, network cards).
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

struct Ends {
  int from, to;  // vertices
};

class Topology {
 public:
  virtual ~Topology() = default;

  virtual int nodes() const = 0;                      // that may hold workers or servers, 0 … nodes() - 1
  virtual int vertices() const { return nodes(); }    // nodes() … vertices() - 1: switches and network cards
  virtual std::string vertex_name(int vertex) const;  // by default "n0" of a node
  virtual std::uint32_t links() const = 0;            // directed, at most one from one vertex to another
  virtual LinkSpec link(LinkId link) const = 0;
  virtual Ends ends(LinkId link) const = 0;
  virtual unsigned longest_route() const = 0;  // in links
  virtual unsigned longest_detour() const { return longest_route(); }

  // Puts the links from one node to another into `out`, which is cleared first. Among routes of equal
  // cost `flow` chooses. Empty: the way is free and takes no time (the same node).
  // Throws std::invalid_argument when there is no way.
  virtual void route(int from, int to, std::uint64_t flow, std::vector<LinkId>& out) const = 0;

  // The machine that a vertex is in, -1: in none. Nodes of one host reach each other without the network. Hosts are
  // numbered from 0 in the order of their nodes. By default a node is a host of its own.
  virtual int host(int vertex) const { return vertex < nodes() ? vertex : -1; }

  // The vertex at which a node's way out of its host begins: itself, or a network card that it reaches at no cost.
  virtual int port(int node) const { return node; }

  // How nodes lie in space where they are joined directly: the sides of a torus, the first one of neighbours in number.
  // Empty: they lie under switches.
  virtual std::vector<int> sides() const { return {}; }

  // Which half a node is in when bisection bandwidth is measured: by default the torus is cut across its longest side,
  // others between two hosts, the one host between two nodes.
  virtual bool in_first_half(int node) const;

  // A route over usable links only, where the one above has one that is not. False, and `out` empty: there is none. The
  // routes of other flows are tried first, which is what ECMP has to offer, then all ways that are no longer than the
  // longest detour.
  virtual bool detour(int from, int to, const std::function<bool(LinkId)>& usable, std::vector<LinkId>& out) const;

  std::string link_name(LinkId link) const;  // "n0 -> switch"
  int hosts() const { return host(nodes() - 1) + 1; }

 private:
  bool search(int from, int to, const std::function<bool(LinkId)>& usable, std::vector<LinkId>& out) const;
};

}  // namespace paceline
