// Chakra traces, one of each rank, as the graph that the strategy `execution_graph` runs.
//
// A compute takes what was measured; without that, what `num_ops` and `tensor_size` make of it on a device. Messages
// and collectives take what the simulation makes of their bytes, whatever was measured; `comm_size` is what a rank
// brings in, so that an all-gather is of that times the ranks. Data and control dependencies count alike. Left out, but
// for the order that they give to others: operations of the host, loads and stores of remote memory, what is no work.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace paceline {

struct ChakraImport {
  struct Rank {
    std::string file;
    std::int64_t nodes = 0, dependencies = 0;  // in the file
    std::int64_t computes = 0, sends = 0, receives = 0, collectives = 0, left_out = 0;
    double compute = 0;             // seconds, of computes that have a time
    double sent = 0, received = 0;  // bytes of messages
    double collective = 0;          // bytes of collectives
  };
  std::string schema;  // of the first file
  std::vector<Rank> ranks;
  bool needs_device = false;  // some computes have no time
  std::vector<std::string> notes;
  std::string graph;  // JSON
};

// `given`: a folder or the path before `.0.et` of NAME.0.et, NAME.1.et, …; or files, in the order of ranks where their
// names do not tell it. `groups`: a file {"1": [0, 1], …} of which ranks a group's name means; "": only what the traces
// tell. Throws ConfigError: the file, the node, what is wrong.
ChakraImport import_chakra(const std::vector<std::string>& given, const std::string& groups = "");

// Throws ConfigError where a written graph cannot run, at its place in the file.
void check_graph(const std::string& path, int ranks);

}  // namespace paceline
