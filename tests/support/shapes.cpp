#include "tests/support/shapes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

const std::string keys = R"("bandwidth": "1Gbps", "latency": "1us")", link = "{" + keys + "}";

std::string two_levels(int leaves, int nodes_per_leaf, int spines, const std::string& more = "") {
  return fmt::format(
      R"({{"kind": "leaf_spine", "leaves": {}, "nodes_per_leaf": {}, "spines": {}{}, "node_link": {}, "uplink": {}}})",
      leaves, nodes_per_leaf, spines, more, link, link);
}
std::string rails(const std::string& more) {
  return fmt::format(R"({{"kind": "rail_optimized", "spines": 2, {}, "node_link": {}, "uplink": {}}})", more, link,
                     link);
}
std::string dragonfly(int groups, int routers, int nodes, int global_links, const std::string& more = "") {
  return fmt::format(R"({{"kind": "dragonfly", "groups": {}, "routers_per_group": {}, "nodes_per_router": {},
                          "global_links": {}{}, "node_link": {}, "local_link": {}, "global_link": {}}})",
                     groups, routers, nodes, global_links, more, link, link, link);
}
std::string hosted(const std::string& shape, int accelerators, int nics, const std::string& fabric,
                   const std::string& more = "") {
  return fmt::format(R"({{{}, "hosts": {{"accelerators": {}, "nics": {}{}, "fabric": {}}}}})", shape, accelerators,
                     nics, more, fabric);
}

}  // namespace

const std::map<std::string, std::vector<std::string>>& shapes() {
  static const std::map<std::string, std::vector<std::string>> all{
      {"ideal", {R"({"kind": "ideal", "nodes": 6})"}},
      {"star", {R"({"kind": "star", "nodes": 6, )" + keys + "}", R"({"kind": "star", "nodes": 1, )" + keys + "}"}},
      {"leaf_spine",
       {two_levels(3, 2, 2), two_levels(3, 2, 3, R"(, "nodes": 5)"), two_levels(1, 4, 1), two_levels(4, 4, 4)}},
      {"rail_optimized",
       {rails(R"("rails": 4, "nodes": 12)"), rails(R"("rails": 2, "nodes": 16, "hosts_per_rail": 3)"),
        rails(R"("rails": 1, "nodes": 3)")}},
      {"fat_tree",
       {R"({"kind": "fat_tree", "k": 4, )" + keys + "}", R"({"kind": "fat_tree", "k": 2, )" + keys + "}",
        R"({"kind": "fat_tree", "k": 4, "nodes": 7, "core_link": )" + link + ", " + keys + "}"}},
      {"dragonfly",
       {dragonfly(5, 2, 2, 2), dragonfly(3, 4, 1, 2), dragonfly(1, 3, 2, 1), dragonfly(4, 3, 2, 1),
        dragonfly(2, 1, 3, 1), dragonfly(5, 2, 2, 2, R"(, "nodes": 11)")}},
      {"torus",
       {R"({"kind": "torus", "dimensions": [4, 3, 2], )" + keys + "}",
        R"({"kind": "torus", "dimensions": [5], )" + keys + "}",
        R"({"kind": "torus", "dimensions": [2, 1, 4, 2], )" + keys + "}"}},
      {"ring",
       {R"({"kind": "ring", "nodes": 7, )" + keys + "}", R"({"kind": "ring", "nodes": 2, )" + keys + "}",
        R"({"kind": "ring", "nodes": 1, )" + keys + "}"}},
      {"full_mesh",
       {R"({"kind": "full_mesh", "nodes": 5, )" + keys + "}", R"({"kind": "full_mesh", "nodes": 1, )" + keys + "}"}},
      {"graph",
       {R"({"kind": "graph", "nodes": ["a", "b", "c", "d"], "links": [{"from": "a", "to": "b", )" + keys +
            R"(}, {"from": "b", "to": "c", )" + keys + R"(}, {"from": "c", "to": "d", )" + keys +
            R"(}, {"from": "d", "to": "a", "duplex": false, )" + keys + "}]}",
        R"({"kind": "graph", "nodes": ["a", "b", "c"], "links": [{"from": "a", "to": "b", "duplex": false, )" + keys +
            R"(}, {"from": "b", "to": "c", "duplex": false, )" + keys +
            R"(}, {"from": "c", "to": "a", "duplex": false, )" + keys + "}]}",
        R"({"kind": "graph", "nodes": ["a", "b"], "switches": ["s"], "links": [{"from": "a", "to": "s", )" + keys +
            R"(}, {"from": "s", "to": "b", )" + keys + "}]}"}}};
  return all;
}

const std::map<std::string, std::vector<std::string>>& hosted_shapes() {
  const std::string star = R"("kind": "star", )" + keys;
  const std::string rail = rails(R"("rails": 4)").substr(1);
  static const std::map<std::string, std::vector<std::string>> all{
      {"nvswitch",
       {hosted(star, 8, 8, R"({"kind": "nvswitch", )" + keys + "}"),
        hosted(star, 4, 1, R"({"kind": "nvswitch", )" + keys + "}"),
        hosted(star, 6, 4, R"({"kind": "nvswitch", )" + keys + "}", R"(, "nic": )" + link),
        hosted(star, 2, 4, R"({"kind": "nvswitch", )" + keys + "}", R"(, "nic": )" + link),
        hosted(rail.substr(0, rail.size() - 1), 4, 4, R"({"kind": "nvswitch", )" + keys + "}")}},
      {"nvlink_ring", {hosted(star, 5, 5, R"({"kind": "nvlink_ring", )" + keys + "}")}},
      {"nvlink_mesh",
       {hosted(R"("kind": "torus", "dimensions": [3, 2], )" + keys, 4, 2, R"({"kind": "nvlink_mesh", )" + keys + "}"),
        hosted(R"("kind": "fat_tree", "k": 4, )" + keys, 3, 3, R"({"kind": "nvlink_mesh", )" + keys + "}")}},
      {"graph",
       {hosted(R"("kind": "ring", )" + keys, 3, 1,
               R"({"kind": "graph", "links": [{"from": 0, "to": 1, )" + keys + R"(}, {"from": 1, "to": 2, )" + keys +
                   "}]}")}},
      {"pcie",
       {hosted(star, 4, 2, R"({"kind": "pcie", )" + keys + "}"),
        hosted(star, 4, 8, R"({"kind": "pcie", "switches": 4, "roots": 1, )" + keys + "}")}}};
  return all;
}

std::vector<std::string> cluster_files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path_of("topologies")))
    if (entry.path().extension() == ".json") files.push_back("topologies/" + entry.path().filename().string());
  std::sort(files.begin(), files.end());
  return files;
}

TopologyMaker topology_maker(const std::string& topology) {
  Node document =
      topology.starts_with("{") ? parse_document(topology, "topology.json") : read_extended(path_of(topology));
  return topologies::read_topology(document);
}

std::unique_ptr<const Topology> build(const std::string& topology, int nodes) {
  const TopologyMaker maker = topology_maker(topology);
  return maker.build(maker.room(maker.per_host > 1 ? 3 * maker.per_host : nodes));
}

std::vector<Built> all_topologies() {
  std::vector<Built> all;
  for (const auto* texts : {&shapes(), &hosted_shapes()})
    for (const auto& [kind, own] : *texts)
      for (const std::string& text : own) all.push_back({text, build(text)});
  for (const std::string& file : cluster_files())
    if (file.find("1024") == file.npos) all.push_back({file, build(file)});
  return all;
}

}  // namespace paceline::test
