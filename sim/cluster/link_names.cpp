#include "sim/cluster/link_names.hpp"

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

}  // namespace paceline
