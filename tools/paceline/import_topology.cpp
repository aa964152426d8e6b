// paceline import-topology FILE -o TOPOLOGY: a host, as NCCL or nvidia-smi describe it, as a topology.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <numeric>

#include "sim/core/units.hpp"
#include "sim/experiment/csv.hpp"
#include "sim/experiment/import/host_import.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

struct Words {
  std::string file, out, nvlink, network, pcie, latency, network_latency;
  bool json = false, quiet = false;
};

std::optional<double> quantity(const char* option, const std::string& text, Dimension dimension) {
  if (text.empty()) return std::nullopt;
  const auto value = parse_quantity(text, dimension);
  if (!value || !(*value > 0 || (dimension == Dimension::duration && *value == 0)))
    throw UsageError(fmt::format("{}: \"{}\" is not a {} with a unit, as in \"{}\"", option, text, name_of(dimension),
                                 example_of(dimension)));
  return value;
}

// NCCL's own constants of a hop, ring under the Simple protocol (src/graph/tuning.cc): NVLink 3.4 us, PCIe 5.7 us,
// network 14 us; half on each of the two links that a hop has here.
constexpr double nvlink_latency = 1.7e-6, pcie_latency = 2.85e-6, network_latency = 7e-6;

int import_topology(const Words& words) {
  const HostImport host = import_host(words.file);
  HostFigures figures;
  figures.nvlink = quantity("--nvlink", words.nvlink, Dimension::bandwidth);
  figures.network = quantity("--network", words.network, Dimension::bandwidth);
  figures.pcie = quantity("--pcie", words.pcie, Dimension::bandwidth);
  const auto& links = host.links_to_switches;
  const int to_switches = std::accumulate(links.begin(), links.end(), 0);
  figures.fabric_latency = quantity("--latency", words.latency, Dimension::duration)
                               .value_or(to_switches || !host.direct.empty() ? nvlink_latency : pcie_latency);
  figures.network_latency =
      quantity("--network-latency", words.network_latency, Dimension::duration).value_or(network_latency);
  const std::string text = topology_text(host, figures);
  make_folder_of(words.out);
  write_file(words.out, text);
  for (const std::string& note : host.notes)
    if (!words.quiet) fmt::print(stderr, "note: {}\n", note);
  if (!words.quiet && (words.latency.empty() || words.network_latency.empty()))
    fmt::print(stderr, "note: latencies are not in the file: {} a link in a host, {} to the switch between hosts\n",
               show_duration(figures.fabric_latency), show_duration(figures.network_latency));
  const auto direct = std::accumulate(host.direct.begin(), host.direct.end(), 0,
                                      [](int sum, const auto& pair) { return sum + pair.second; });
  if (words.json)
    fmt::print("{}\n", nlohmann::ordered_json({{"gpus", host.gpus},
                                               {"processors", host.processors},
                                               {"bridges", host.bridges},
                                               {"cards", host.cards},
                                               {"ports", host.ports},
                                               {"architecture", host.architecture},
                                               {"nvlinks_to_switches", links},
                                               {"switches", host.switches},
                                               {"nvlinks_between_gpus", direct},
                                               {"notes", host.notes}})
                           .dump(2));
  else if (!words.quiet)
    fmt::print("{}: {} GPUs, {} NVLinks to switches, {} between GPUs, {} network cards with {} ports, {} processors\n",
               words.out, host.gpus, to_switches, direct, host.cards, host.ports, host.processors);
  return done;
}

}  // namespace

Action import_topology_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("FILE", words->file, "NCCL's topology (XML), or what nvidia-smi topo -m printed")->required();
  app.add_option("-o,--out", words->out, "the topology")->required();
  app.add_option("--nvlink", words->nvlink, "bandwidth of one NVLink in one direction, as in 25GBps");
  app.add_option("--network", words->network, "bandwidth of a network card, as in 200Gbps");
  app.add_option("--pcie", words->pcie, "bandwidth of PCIe to a GPU, as in 31GBps");
  app.add_option("--latency", words->latency, "of a link in the host; by default NCCL's own constants");
  app.add_option("--network-latency", words->network_latency, "of a link to the switch between hosts");
  app.add_flag("--json", words->json, "prints one JSON document");
  app.add_flag("--quiet", words->quiet, "prints nothing but errors");
  return [words] { return import_topology(*words); };
}

}  // namespace paceline
