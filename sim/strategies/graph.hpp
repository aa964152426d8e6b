// Graph: what every rank does in one step, as an execution graph: nodes, each of which begins when those that it comes
// `after` are over.
//
//     {"ranks": [{"nodes": [{"id": 0, "compute": "5us"},
//                           {"id": 1, "send": 1, "bytes": "128KiB", "tag": 0, "after": [0]},
//                           {"id": 2, "receive": 1, "bytes": "128KiB", "tag": 0, "after": [0]},
//                           {"id": 3, "collective": "all_reduce", "bytes": "1MiB", "ranks": [0, 1], "after": [1, 2]},
//                           {"id": 4, "flops": 2e9, "bytes": "1GiB", "after": [3]}]}, …]}
//
// Ids are any numbers, and nodes in any order. A rank's order is: after what they come after, then by id. The k-th
// message from one rank to another with a tag is the k-th that the other receives from there with it; the k-th
// collective of some ranks is the k-th of them on every one. A rank's collectives of the same ranks follow one another,
// as on a communicator of NCCL. What the graph amounts to is checked when it is read: it comes to its end.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/comm/communicator.hpp"
#include "sim/core/reader.hpp"

namespace paceline {

struct GraphNode {
  enum class Does : std::uint8_t { nothing, compute, send, receive, collective };
  std::int64_t id = 0;
  Does does = Does::nothing;
  double seconds = 0;              // of a compute; or
  double flops = 0;                // what it is reckoned from on a device, with
  double bytes = 0;                // to and from memory; or of the message, or of the collective
  int peer = nobody;               // of a message
  std::int64_t tag = 0;            // of a message
  std::size_t other = 0;           // a message's other end, at the peer; or the collective, of the graph's
  std::vector<std::size_t> after;  // in the rank's order
  std::vector<std::size_t> next;   // those that come after it
};

struct GraphCollective {
  Op op = Op::all_reduce;
  double bytes = 0;
  std::size_t group = 0;
  std::vector<std::size_t> nodes;  // by rank of the group
};

struct Graph {
  std::vector<std::vector<GraphNode>> ranks;  // in the rank's order
  std::vector<std::vector<int>> groups;       // ranks, ascending
  std::vector<GraphCollective> collectives;
};

// The key `graph`: a graph or the path of one. That of a single rank is every worker's.
std::shared_ptr<const Graph> read_graph(Reader& in);

}  // namespace paceline
