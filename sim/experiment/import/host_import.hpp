// What a host is made of, as NCCL (NCCL_TOPO_DUMP_FILE, XML) or `nvidia-smi topo -m` (text) tell, as a topology that
// runs: hosts of this kind on one switch that never lacks bandwidth.
//
// NVLinks to switches are striped over all of them, so that these count as one: fabric `nvswitch`, of a GPU's links
// together. NVLinks from GPU to GPU: fabric `graph`. Without NVLinks: fabric `pcie`, GPUs and cards under the
// bridges that hang on processors. Of unlike network cards the fastest are taken: the others are for management.
// Neither file tells of latencies.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace paceline {

struct HostImport {
  bool from_nccl = false;
  int gpus = 0, processors = 0, bridges = 0, cards = 0;
  int branches = 0;                           // bridges that hang on processors, with GPUs below
  int architecture = 0;                       // compute capability, 90; 0: unknown
  std::vector<int> links_to_switches;         // NVLinks, by GPU
  std::map<std::string, int> switches;        // NVLinks by switch
  std::map<std::pair<int, int>, int> direct;  // NVLinks by pair of GPUs, the lesser first
  int ports = 0;                              // of all cards
  std::vector<double> card_bandwidths;  // bytes per second, all ports together, of the cards taken; empty: unknown
  double pcie = 0;                      // the widest way to a GPU: bytes per second; 0: unknown
  std::vector<std::string> notes;       // what was taken to be so
};

// By what the file begins with. Throws ConfigError: the place, and what is wrong.
HostImport import_host(const std::string& path);

// What the files do not tell. A bandwidth that is needed and neither known nor given is an error.
struct HostFigures {
  std::optional<double> nvlink{}, network{}, pcie{};  // bytes per second: of one NVLink, of a card, of the way to a GPU
  double fabric_latency = 0, network_latency = 0;     // seconds, one way, of each link
};

// The topology, as JSON. Throws ConfigError.
std::string topology_text(const HostImport& host, const HostFigures& figures);

}  // namespace paceline
