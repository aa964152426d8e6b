#include "sim/cluster/topology.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace paceline {

std::string Topology::vertex_name(int vertex) const { return fmt::format("n{}", vertex); }

std::string Topology::link_name(LinkId link) const {
  const Ends at = ends(link);
  return vertex_name(at.from) + " -> " + vertex_name(at.to);
}

bool Topology::in_first_half(int node) const {
  const std::vector<int> all = sides();
  const auto longest = std::max_element(all.begin(), all.end());
  if (longest != all.end()) {
    for (auto side = all.begin(); side != longest; ++side) node /= *side;
    return node % *longest < *longest / 2;
  }
  return hosts() > 1 ? host(node) < hosts() / 2 : node < nodes() / 2;
}

bool Topology::detour(int from, int to, const std::function<bool(LinkId)>& usable, std::vector<LinkId>& out) const {
  constexpr std::uint64_t tries = 256;
  for (std::uint64_t flow = 0; flow < tries; ++flow) {
    route(from, to, flow, out);
    if (std::all_of(out.begin(), out.end(), usable)) return true;
  }
  return search(from, to, usable, out);
}

bool Topology::search(int from, int to, const std::function<bool(LinkId)>& usable, std::vector<LinkId>& out) const {
  constexpr LinkId none = ~LinkId{0};
  const auto all = std::size_t(vertices());
  std::vector<std::vector<LinkId>> leaving(all);
  for (LinkId id = 0; id < links(); ++id)
    if (usable(id)) leaving[std::size_t(ends(id).from)].push_back(id);
  std::vector<LinkId> last(all, none);
  std::vector<int> reached{from}, next;
  if (port(from) != from) reached.push_back(port(from));
  const std::vector<int> start = reached;
  const auto is_start = [&](int vertex) { return std::find(start.begin(), start.end(), vertex) != start.end(); };
  out.clear();
  for (unsigned length = 1; length <= longest_detour() && !reached.empty(); ++length, reached.swap(next)) {
    next.clear();
    for (const int vertex : reached)
      for (const LinkId id : leaving[std::size_t(vertex)]) {
        const int at = ends(id).to;
        if (last[std::size_t(at)] != none || is_start(at)) continue;
        last[std::size_t(at)] = id;
        next.push_back(at);
        if (at != to && at != port(to)) continue;
        for (int back = at; !is_start(back); back = ends(out.back()).from) out.push_back(last[std::size_t(back)]);
        std::reverse(out.begin(), out.end());
        return true;
      }
  }
  return false;
}

}  // namespace paceline
