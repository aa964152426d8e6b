#include "sim/cluster/placement.hpp"

#include <numeric>
#include <utility>

#include "sim/core/random.hpp"

namespace paceline {
namespace {

std::vector<int> in_turn(int count, const Topology& topology) {
  const std::int64_t hosts = topology.hosts();
  std::vector<std::vector<int>> of_host(static_cast<std::size_t>(hosts));
  for (int node = 0; node < topology.nodes(); ++node) of_host[std::size_t(topology.host(node))].push_back(node);
  std::vector<int> chosen;
  if (count <= hosts) {
    for (int i = 0; i < count; ++i) chosen.push_back(of_host[std::size_t(i * hosts / count)][0]);
    return chosen;
  }
  for (std::size_t round = 0; int(chosen.size()) < count; ++round)
    for (const std::vector<int>& own : of_host)
      if (round < own.size() && int(chosen.size()) < count) chosen.push_back(own[round]);
  return chosen;
}

}  // namespace

std::vector<int> place(Placement rule, int count, const Topology& topology, std::uint64_t seed) {
  if (rule == Placement::spread) return in_turn(count, topology);
  std::vector<int> nodes(std::size_t(rule == Placement::random ? topology.nodes() : count));
  std::iota(nodes.begin(), nodes.end(), 0);
  if (rule == Placement::random) {
    const Stream stream(seed, "placement", 0);
    for (std::size_t i = 0; int(i) < count; ++i) std::swap(nodes[i], nodes[i + stream.below(nodes.size() - i, i)]);
    nodes.resize(std::size_t(count));
  }
  return nodes;
}

}  // namespace paceline
