// paceline draw TOPOLOGY: a picture of it as SVG.
#include <fmt/format.h>

#include <filesystem>

#include "sim/experiment/csv.hpp"
#include "tools/paceline/picture.hpp"
#include "tools/paceline/topology_file.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

struct Words {
  std::string topology, out;
  std::vector<std::string> assignments;
  int nodes = 0;
};

int draw(const Words& words) {
  Node document = read_extended(words.topology);
  for (const std::string& assignment : words.assignments) set_path(document, assignment);
  const auto topology = build_topology(topologies::read_topology(document), words.nodes);
  const std::string drawn = picture(*topology, std::filesystem::path(words.topology).stem().string());
  if (words.out.empty()) fmt::print("{}", drawn);
  else write_file(words.out, drawn);
  return done;
}

}  // namespace

Action draw_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("TOPOLOGY", words->topology, "a JSON file with a topology")->required();
  app.add_option("-o", words->out, "the SVG file; by default stdout");
  app.add_option("--nodes", words->nodes, "of a shape that grows with the cluster; by default 8, or 2 hosts")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--set", words->assignments, "KEY=VALUE, as for run")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  return [words] { return draw(*words); };
}

}  // namespace paceline
