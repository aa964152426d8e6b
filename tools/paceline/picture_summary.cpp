// The summary: vertices whose names differ in their numbers alone are one box ("gpu × 1024"), and links between two
// such boxes that are alike one line with their number.
#include <algorithm>
#include <map>
#include <set>

#include "tools/paceline/svg.hpp"

namespace paceline {
namespace {

// "pod3.edge1" -> "edge"
std::string stem_of(const std::string& name) {
  std::string stem;
  for (const char letter : name.substr(name.rfind('.') + 1))
    if (letter < '0' || letter > '9') stem += letter;
  return stem == "n" ? "node" : stem;
}

struct Group {
  std::string stem;
  int level = 0, count = 0;
  Point at{};
};
struct Bundle {
  std::size_t from, to, kind;
  int links = 0;
};

}  // namespace

std::string summary_picture(const Topology& topology, const std::string& title) {
  const LinkKinds kinds(topology);
  const std::vector<int> level = levels(topology);
  std::vector<Group> groups;
  std::vector<std::size_t> group_of;
  std::map<std::pair<std::string, int>, std::size_t> index;
  for (int vertex = 0; vertex < topology.vertices(); ++vertex) {
    const std::string stem = stem_of(topology.vertex_name(vertex));
    const int its = level[std::size_t(vertex)];
    const auto [at, added] = index.try_emplace({stem, its}, groups.size());
    if (added) groups.push_back({stem, its, 0, {}});
    ++groups[at->second].count;
    group_of.push_back(at->second);
  }
  std::map<std::array<std::size_t, 3>, int> counted;
  for (LinkId id = 0; id < topology.links(); ++id) {
    const Ends at = topology.ends(id);
    const auto [a, b] = std::minmax(group_of[std::size_t(at.from)], group_of[std::size_t(at.to)]);
    ++counted[{a, b, kinds.of(topology.link(id))}];
  }

  constexpr double across = 260, down = 110, margin = 40;
  const int top = std::max_element(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
                    return a.level < b.level;
                  })->level;
  std::vector<int> in_row(std::size_t(top) + 1);
  for (Group& group : groups) group.at.x = double(in_row[std::size_t(group.level)]++);
  const double width = 2 * margin + across * std::max(2, *std::max_element(in_row.begin(), in_row.end())) + 140;
  for (Group& group : groups) {
    const double row = double(in_row[std::size_t(group.level)]);
    group.at = {width / 2 + (group.at.x - (row - 1) / 2) * across, 90 + down * double(top - group.level)};
  }
  Svg svg;
  svg.text({margin, 24}, title, 15, "start");
  std::map<std::pair<std::size_t, std::size_t>, int> drawn;
  std::vector<std::pair<Point, std::string>> words;
  for (const auto& [key, links] : counted) {
    const auto [a, b, kind] = key;
    const int before = drawn[{a, b}]++;
    const Point from = groups[a].at, to = groups[b].at;
    const std::string label = fmt::format("× {} {}", links / 2, links % 2 ? "and one way" : "");
    if (a == b) {
      svg.line({from.x + 70, from.y - 8}, {from.x + 70, from.y + 8}, kinds.width(kind), kinds.colour(kind),
               30 + 14 * before);
      words.push_back({{from.x + 128 + 60 * before, from.y}, label});
    } else {
      const double shift = 12 * before;
      svg.line({from.x + shift, from.y}, {to.x + shift, to.y}, kinds.width(kind) * 1.5, kinds.colour(kind));
      words.push_back({{(from.x + to.x) / 2 + shift + 34, (from.y + to.y) / 2 + 14.0 * before}, label});
    }
  }
  std::set<std::pair<std::size_t, std::size_t>> free;
  for (int node = 0; node < topology.nodes(); ++node)
    free.emplace(group_of[std::size_t(node)], group_of[std::size_t(topology.port(node))]);
  for (const auto& [node, port] : free)
    if (node != port) svg.line(groups[node].at, groups[port].at, 1, "#bbb");
  for (const Group& group : groups) {
    svg.box(group.at, 140, 40, group.level == 0 ? "#cfe3f5" : "#fdebc8");
    svg.text(group.at, fmt::format("{} × {}", group.stem, group.count), 13);
  }
  for (const auto& [at, label] : words) svg.text(at, label, 11);
  const double bottom = 90 + down * double(top) + 60;
  const double legend = kinds.legend(svg, {margin, bottom});
  return svg.file(width, bottom + legend + 10, title);
}

}  // namespace paceline
