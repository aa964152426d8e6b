// What a topology's kind returns when its keys are read: how many nodes it has, and how to build it.
#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "sim/cluster/topology.hpp"
#include "sim/core/registry.hpp"

namespace paceline {

struct TopologyMaker {
  int nodes = 0;  // 0: as many as are needed
  std::function<std::unique_ptr<const Topology>(int nodes)> build;
  int per_host = 1;  // it grows by whole hosts of so many nodes

  // How many nodes it has where so many are needed.
  int room(int needed) const { return nodes ? nodes : (needed + per_host - 1) / per_host * per_host; }
};

namespace topologies {

const Registry<TopologyMaker>& all();

// A topology that stands in a document of its own: {"kind": …}. Throws ConfigError.
TopologyMaker read_topology(Node& document);

// The keys "bandwidth", "latency" (one-way), "efficiency" and "overhead" of a link.
LinkSpec read_link(Reader& in);
// A key that holds such a link; the optional one may be left out.
LinkSpec read_link(Reader& in, std::string_view key, std::string_view help);
std::optional<LinkSpec> read_optional_link(Reader& in, std::string_view key, std::string_view help);
// The key "nodes" of shapes that grow with the cluster; 0 when it is left out.
int read_nodes(Reader& in);
// The same for a shape that has room for so many, all of which are there when it is left out.
int read_nodes(Reader& in, std::int64_t room, std::string_view rule);

// Chooses among routes of equal cost, as ECMP does.
std::uint64_t route_hash(int from, int to, std::uint64_t flow);

// Reads the key "hosts", which any shape takes; with it the shape joins the hosts' network cards. See hosts.cpp.
TopologyMaker with_hosts(Reader& in, TopologyMaker (*shape)(Reader&));

}  // namespace topologies
}  // namespace paceline
