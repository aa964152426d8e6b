// Small ones of every shape and of every fabric, and the clusters that come with the program: what the tests of
// topologies loop over. A new kind must be added here.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "topologies/topology_maker.hpp"

namespace paceline::test {

// Topologies as JSON, by kind.
const std::map<std::string, std::vector<std::string>>& shapes();
// Hosts around a shape, by the kind of their fabric.
const std::map<std::string, std::vector<std::string>>& hosted_shapes();
std::vector<std::string> cluster_files();  // topologies/*.json

struct Built {
  std::string name;
  std::unique_ptr<const Topology> topology;
};
// All of them; those that grow with the cluster have 6 nodes, of hosts 3.
std::vector<Built> all_topologies();

// From JSON text, or a file relative to the repository.
TopologyMaker topology_maker(const std::string& topology);
std::unique_ptr<const Topology> build(const std::string& topology, int nodes = 6);

}  // namespace paceline::test
