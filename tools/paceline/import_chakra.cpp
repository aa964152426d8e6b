// paceline import-chakra TRACE… -o GRAPH: Chakra traces, one of each rank, as a graph for the strategy execution_graph.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sim/core/units.hpp"
#include "sim/experiment/csv.hpp"
#include "sim/experiment/import/chakra.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;
using Rank = ChakraImport::Rank;

struct Words {
  std::vector<std::string> traces;
  std::string out, groups;
  bool json = false, quiet = false;
};

Json json_of(const ChakraImport& made) {
  Json ranks = Json::array();
  for (const Rank& rank : made.ranks)
    ranks.push_back({{"file", rank.file},
                     {"nodes", rank.nodes},
                     {"dependencies", rank.dependencies},
                     {"computes", rank.computes},
                     {"compute_s", rank.compute},
                     {"sends", rank.sends},
                     {"bytes_sent", rank.sent},
                     {"receives", rank.receives},
                     {"bytes_received", rank.received},
                     {"collectives", rank.collectives},
                     {"collective_bytes", rank.collective},
                     {"left_out", rank.left_out}});
  return {{"schema", made.schema}, {"needs_device", made.needs_device}, {"ranks", ranks}, {"notes", made.notes}};
}

// Of all ranks together, and what the least and the most of a rank are.
void print_row(const ChakraImport& made, const char* what, std::int64_t Rank::*count,
               const std::function<std::string(const Rank&)>& amount = {}) {
  std::int64_t all = 0;
  const auto less = [&](const Rank& a, const Rank& b) { return a.*count < b.*count; };
  const auto [least, most] = std::minmax_element(made.ranks.begin(), made.ranks.end(), less);
  for (const Rank& rank : made.ranks) all += rank.*count;
  const std::string each = (*least).*count == (*most).*count ? fmt::format("{}", (*most).*count)
                                                             : fmt::format("{} to {}", (*least).*count, (*most).*count);
  fmt::print("{:<16}{:>10}{:>16}{}\n", what, all, each, amount ? fmt::format("{:>16}", amount(made.ranks[0])) : "");
}

void print_table(const ChakraImport& made) {
  fmt::print("{:<16}{:>10}{:>16}{:>16}\n", fmt::format("{} ranks", made.ranks.size()), "all", "a rank", "in rank 0");
  print_row(made, "nodes", &Rank::nodes);
  print_row(made, "computes", &Rank::computes, [](const Rank& rank) { return show_duration(rank.compute); });
  print_row(made, "sends", &Rank::sends, [](const Rank& rank) { return show_bytes(rank.sent); });
  print_row(made, "receives", &Rank::receives, [](const Rank& rank) { return show_bytes(rank.received); });
  print_row(made, "collectives", &Rank::collectives, [](const Rank& rank) { return show_bytes(rank.collective); });
  print_row(made, "left out", &Rank::left_out);
  print_row(made, "dependencies", &Rank::dependencies);
}

int import_chakra_traces(const Words& words) {
  const ChakraImport made = import_chakra(words.traces, words.groups);
  make_folder_of(words.out);
  write_file(words.out, made.graph);
  check_graph(words.out, int(made.ranks.size()));
  for (const std::string& note : made.notes)
    if (!words.quiet) fmt::print(stderr, "note: {}\n", note);
  if (words.json) {
    fmt::print("{}\n", json_of(made).dump(2));
  } else if (!words.quiet) {
    print_table(made);
    fmt::print(
        "\nto run it: paceline run scenarios/execution_graph.json --set training.strategy.graph={} --set "
        "cluster.workers={}{}\n",
        words.out, made.ranks.size(), made.needs_device ? " --set cluster.device=a100" : "");
  }
  return done;
}

}  // namespace

Action import_chakra_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("TRACES", words->traces,
                 "the path before .0.et of NAME.0.et, NAME.1.et, ..., a folder with these, or files in order of ranks")
      ->required();
  app.add_option("-o,--out", words->out, "the graph")->required();
  app.add_option("--groups", words->groups, "a file {\"1\": [0, 1], ...}: the ranks of groups of which no trace tells");
  app.add_flag("--json", words->json, "prints one JSON document");
  app.add_flag("--quiet", words->quiet, "prints nothing but errors");
  return [words] { return import_chakra_traces(*words); };
}

}  // namespace paceline
