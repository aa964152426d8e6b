#include "sim/cluster/link_names.hpp"

#include <map>
#include <stdexcept>

#include "sim/core/errors.hpp"

namespace paceline {

namespace {

constexpr std::string_view arrow = " -> ", both = " <-> ";

bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = pattern.npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

std::vector<LinkId> links_named(const Topology& topology, std::string_view pattern) {
  std::vector<std::string> patterns{std::string(pattern)};
  if (const auto at = pattern.find(both); at != pattern.npos) {
    const std::string a(pattern.substr(0, at)), b(pattern.substr(at + both.size()));
    patterns = {a + std::string(arrow) + b, b + std::string(arrow) + a};
  }
  std::vector<LinkId> found;
  for (LinkId id = 0; id < topology.links(); ++id) {
    const std::string name = topology.link_name(id);
    for (const std::string& one : patterns)
      if (matches(one, name)) {
        found.push_back(id);
        break;
      }
  }
  return found;
}

std::string nearest_link(const Topology& topology, const std::string& pattern) {
  std::vector<std::string> names;
  for (LinkId id = 0; id < topology.links(); ++id) names.push_back(topology.link_name(id));
  if (const auto at = pattern.find(both); at != pattern.npos)
    for (std::string& name : names)
      if (const auto arrow_at = name.find(arrow); arrow_at != name.npos) name.replace(arrow_at, arrow.size(), both);
  return did_you_mean(pattern, names);
}

LinkEnds::LinkEnds(const Topology& topology) : first_node(topology.links(), -1), last_node(topology.links(), -1) {
  std::map<std::string, int> node;  // by its name
  std::vector<LinkId> route;
  for (int from = 0; from < topology.nodes(); ++from)
    for (int to = 0; to < topology.nodes(); ++to) {
      if (from == to) continue;
      try {
        topology.route(from, to, 0, route);
      } catch (const std::invalid_argument&) { continue; }
      if (route.empty()) continue;
      const std::string name = topology.link_name(route.front());
      node.emplace(name.substr(0, name.find(arrow)), from);
      break;
    }
  for (LinkId id = 0; id < topology.links(); ++id) {
    const std::string name = topology.link_name(id);
    const auto at = name.find(arrow);
    if (at == name.npos) continue;
    const auto from = node.find(name.substr(0, at)), to = node.find(name.substr(at + arrow.size()));
    if (from != node.end()) first_node[id] = from->second;
    if (to != node.end()) last_node[id] = to->second;
  }
}

}  // namespace paceline
