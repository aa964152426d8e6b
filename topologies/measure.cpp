#include "topologies/measure.hpp"

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/push_relabel_max_flow.hpp>
#include <cmath>
#include <limits>
#include <unordered_map>

namespace paceline::topologies {
namespace {

using Capacity = std::int64_t;  // bits a second: whole numbers, so that the flow is exact
using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using Pipes = boost::adjacency_list<
    boost::vecS, boost::vecS, boost::directedS, boost::no_property,
    boost::property<boost::edge_capacity_t, Capacity,
                    boost::property<boost::edge_residual_capacity_t, Capacity,
                                    boost::property<boost::edge_reverse_t, Traits::edge_descriptor>>>>;

constexpr int source = 0, sink = 1;

// Where a vertex is in the flow's graph: all nodes of a half are one, with their ports.
std::vector<int> places(const Topology& topology, int& count) {
  std::vector<int> place(std::size_t(topology.vertices()), -1);
  for (int node = 0; node < topology.nodes(); ++node)
    place[std::size_t(node)] = place[std::size_t(topology.port(node))] = topology.in_first_half(node) ? source : sink;
  count = 2;
  for (int& its : place)
    if (its < 0) its = count++;
  return place;
}

// What the nodes of a half can put on the network: over the links that leave their hosts, or with one host, themselves;
// the lesser of both halves.
double injected(const Topology& topology) {
  const bool one_host = topology.hosts() == 1;
  std::vector<bool> first_half(std::size_t(topology.nodes()));  // by host
  for (int node = 0; node < topology.nodes(); ++node)
    first_half[std::size_t(one_host ? node : topology.host(node))] = topology.in_first_half(node);
  double sums[2] = {0, 0};
  for (LinkId id = 0; id < topology.links(); ++id) {
    const Ends at = topology.ends(id);
    const int host = topology.host(at.from);
    const bool leaves = one_host ? at.from < topology.nodes() : host >= 0 && host != topology.host(at.to);
    if (leaves) sums[first_half[std::size_t(one_host ? at.from : host)]] += topology.link(id).bandwidth;
  }
  return std::min(sums[0], sums[1]);
}

void measure_routes(const Topology& topology, Measure& made) {
  constexpr std::int64_t most = 20'000'000;  // links
  const std::int64_t nodes = topology.nodes(), pairs = most / std::max(1u, topology.longest_route());
  const std::int64_t sources = std::clamp<std::int64_t>(pairs / nodes, 1, nodes),
                     targets = std::clamp<std::int64_t>(pairs / sources, 1, nodes);
  std::vector<LinkId> route;
  for (std::int64_t i = 0; i < sources; ++i)
    for (std::int64_t k = 0; k < targets; ++k) {
      topology.route(int(i * nodes / sources), int(k * nodes / targets), 0, route);
      made.diameter = std::max(made.diameter, unsigned(route.size()));
      Span latency{0};
      for (const LinkId id : route) latency += topology.link(id).latency + topology.link(id).overhead;
      made.latency = std::max(made.latency, latency);
    }
}

}  // namespace

double bisection(const Topology& topology) {
  if (topology.links() == 0 || topology.nodes() < 2) return std::numeric_limits<double>::infinity();
  int count = 0;
  const std::vector<int> place = places(topology, count);
  std::unordered_map<std::uint64_t, Capacity> joined;  // by (from, to)
  for (LinkId id = 0; id < topology.links(); ++id) {
    const Ends at = topology.ends(id);
    const int from = place[std::size_t(at.from)], to = place[std::size_t(at.to)];
    if (from != to && from != sink && to != source)
      joined[std::uint64_t(from) << 32 | std::uint64_t(to)] += std::llround(8 * topology.link(id).bandwidth);
  }
  Pipes pipes{std::size_t(count)};
  for (const auto& [ends, capacity] : joined) {
    const auto from = std::size_t(ends >> 32), to = std::size_t(ends & 0xffffffff);
    const auto there = boost::add_edge(from, to, pipes).first, back = boost::add_edge(to, from, pipes).first;
    boost::put(boost::edge_capacity, pipes, there, capacity);
    boost::put(boost::edge_capacity, pipes, back, 0);
    boost::put(boost::edge_reverse, pipes, there, back);
    boost::put(boost::edge_reverse, pipes, back, there);
  }
  return double(boost::push_relabel_max_flow(pipes, std::size_t(source), std::size_t(sink))) / 8;
}

Measure measure(const Topology& topology) {
  Measure made;
  made.nodes = topology.nodes();
  made.hosts = topology.hosts();
  made.links = topology.links();
  for (int vertex = topology.nodes(); vertex < topology.vertices(); ++vertex)
    ++(topology.host(vertex) < 0 ? made.switches : made.in_hosts);
  made.bisection = bisection(topology);
  if (std::isfinite(made.bisection) && made.bisection > 0) made.oversubscription = injected(topology) / made.bisection;
  measure_routes(topology, made);
  return made;
}

}  // namespace paceline::topologies
