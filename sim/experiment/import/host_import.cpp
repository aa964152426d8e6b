#include "sim/experiment/import/host_import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/property_tree/xml_parser.hpp>
#include <cstdlib>
#include <set>
#include <sstream>

#include "sim/core/document.hpp"

namespace paceline {
namespace {

using Tree = boost::property_tree::ptree;

std::string attribute(const Tree& element, const std::string& name) {
  return element.get<std::string>("<xmlattr>." + name, "");
}

// "32.0 GT/s PCIe" × "16": 8b/10b to PCIe 2, 128b/130b since.
double pcie_bandwidth(const Tree& element) {
  const double rate = std::strtod(attribute(element, "link_speed").c_str(), nullptr);
  const double width = std::strtod(attribute(element, "link_width").c_str(), nullptr);
  return rate * 1e9 * width / 8 * (rate > 5.5 ? 128.0 / 130 : 0.8);
}

class NcclTopology {
 public:
  NcclTopology(const std::string& path, const std::string& text) : path_(path) {
    Tree document;
    std::istringstream in(text);
    try {
      boost::property_tree::read_xml(in, document, boost::property_tree::xml_parser::no_comments);
    } catch (const boost::property_tree::xml_parser_error& error) {
      throw ConfigError(fmt::format("{}:{}: is no XML: {}", path, error.line(), error.message()));
    }
    const auto system = document.get_child_optional("system");
    if (!system) throw ConfigError(path + ": has no element \"system\": not a topology as NCCL dumps it");
    host_.from_nccl = true;
    walk(*system, 0);
    if (gpus_.empty()) throw ConfigError(path + ": has no GPU: neither an element \"gpu\" nor a \"pci\" of class 0x03");
    host_.gpus = int(gpus_.size());
    host_.links_to_switches.resize(gpus_.size());
    for (std::size_t i = 0; i < gpus_.size(); ++i)
      if (gpus_[i].gpu) add_links(int(i), *gpus_[i].gpu);
    if (std::none_of(gpus_.begin(), gpus_.end(), [](const Gpu& each) { return each.gpu; }))
      host_.notes.push_back("the file has no elements \"gpu\", which would tell of NVLinks: a host without them");
    keep_the_fastest_cards();
  }
  HostImport made() const { return host_; }

 private:
  struct Gpu {
    std::string bus;
    const Tree* gpu = nullptr;  // absent in files that name only the PCI devices
  };

  // Returns whether a GPU is below.
  bool walk(const Tree& parent, int depth) {
    bool any = false;
    for (const auto& [name, element] : parent) {
      bool here = false;
      if (name == "cpu") {
        ++host_.processors;
        here = walk(element, 0);
      } else if (name == "pci") {
        const std::string type = attribute(element, "class");
        if (type.starts_with("0x03")) {
          const auto gpu = element.get_child_optional("gpu");
          gpus_.push_back({attribute(element, "busid"), gpu ? &*gpu : nullptr});
          host_.pcie = std::max(host_.pcie, pcie_bandwidth(element));
          here = true;
        } else {
          if (type.starts_with("0x0604")) ++host_.bridges;
          here = walk(element, depth + 1);
          if (here && depth == 0) ++host_.branches;
        }
      } else if (name == "nic") {
        ++host_.cards;
        double bandwidth = 0;
        for (const auto& [kind, net] : element) {
          if (kind != "net") continue;
          ++host_.ports;
          bandwidth += std::strtod(attribute(net, "speed").c_str(), nullptr) * 1e6 / 8;  // Mb/s
        }
        if (bandwidth > 0) host_.card_bandwidths.push_back(bandwidth);
      }
      any = any || here;
    }
    return any;
  }

  void add_links(int index, const Tree& gpu) {
    if (const int sm = std::atoi(attribute(gpu, "sm").c_str()); sm > 0) host_.architecture = sm;
    for (const auto& [name, link] : gpu) {
      if (name != "nvlink") continue;
      const std::string target = attribute(link, "target"), type = attribute(link, "tclass");
      const int count = std::atoi(attribute(link, "count").c_str());
      if (count < 1)
        throw ConfigError(fmt::format("{}: GPU {}: nvlink to {}: \"count\" is \"{}\", not a number of links", path_,
                                      index, target, attribute(link, "count")));
      if (type.starts_with("0x03")) {
        const auto peer = std::find_if(gpus_.begin(), gpus_.end(), [&](const Gpu& each) { return each.bus == target; });
        if (peer == gpus_.end())
          throw ConfigError(fmt::format("{}: GPU {}: nvlink to {}, which is no GPU of it", path_, index, target));
        host_.direct[std::minmax(index, int(peer - gpus_.begin()))] = count;  // both ends tell of it
      } else {
        host_.links_to_switches[std::size_t(index)] += count;
        host_.switches[target] += count;
      }
    }
  }

  void keep_the_fastest_cards() {
    auto& cards = host_.card_bandwidths;
    if (cards.empty()) return;
    const double fastest = *std::max_element(cards.begin(), cards.end());
    std::erase_if(cards, [&](double each) { return each < fastest; });
    if (const int others = host_.cards - int(cards.size()); others > 0)
      host_.notes.push_back(fmt::format(
          "{} of {} network cards are left out: they are slower than {:g} Gbit/s, or their speed is unknown", others,
          host_.cards, fastest * 8 / 1e9));
  }

  std::string path_;
  HostImport host_;
  std::vector<Gpu> gpus_;
};

// Terminals underline the first line.
std::string without_escapes(const std::string& text) {
  std::string made;
  for (std::size_t at = 0; at < text.size(); ++at)
    if (text[at] == '\x1b')
      while (at + 1 < text.size() && text[at] != 'm') ++at;
    else made += text[at];
  return made;
}

// Columns are separated by tabs, or by blanks where the text was copied.
std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// A table: a row for each device with what joins it to each of the columns; GPU0 ..., NIC0 or mlx5_0 ...
HostImport from_matrix(const std::string& path, const std::string& text) {
  constexpr int most_links = 18;  // of any GPU known
  const std::set<std::string> ways{"X", "SYS", "NODE", "PHB", "PXB", "PIX"};
  HostImport host;
  std::vector<std::string> columns;
  std::istringstream in(without_escapes(text));
  std::set<std::string> rows, sides;
  unsigned number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const std::vector<std::string> words = words_of(line);
    if (words.empty()) continue;
    if (columns.empty()) {
      if (words[0] != "GPU0") continue;
      for (const std::string& word : words) {
        if (word == "CPU" || word == "NUMA") break;
        columns.push_back(word);
      }
      host.gpus =
          int(std::count_if(columns.begin(), columns.end(), [](auto& name) { return name.starts_with("GPU"); }));
      host.cards = int(columns.size()) - host.gpus;
      host.links_to_switches.resize(std::size_t(host.gpus));
      continue;
    }
    const auto row = std::find(columns.begin(), columns.end(), words[0]) - columns.begin();
    if (row >= host.gpus) continue;
    if (words.size() < columns.size() + 1)
      throw ConfigError(fmt::format("{}:{}: {} has {} cells, and the first line {} columns", path, number, words[0],
                                    words.size() - 1, columns.size()));
    for (int k = 0; k < int(columns.size()); ++k) {
      const std::string& way = words[std::size_t(k) + 1];
      const bool links = way.starts_with("NV") && way.size() > 2 && std::atoi(way.c_str() + 2) > 0;
      if (!links && !ways.contains(way))
        throw ConfigError(fmt::format("{}:{}: {} to {}: \"{}\" is none of X, SYS, NODE, PHB, PXB, PIX, NV<number>",
                                      path, number, words[0], columns[std::size_t(k)], way));
      if (links && k < host.gpus) host.direct[std::minmax(int(row), k)] = std::atoi(way.c_str() + 2);
    }
    rows.insert(words[0]);
    sides.insert(words.size() > columns.size() + 2 ? words[columns.size() + 2] : "");
  }
  if (columns.empty())
    throw ConfigError(path + ": has no line that begins with GPU0: not what nvidia-smi topo -m prints");
  if (int(rows.size()) < host.gpus)
    throw ConfigError(fmt::format("{}: has rows for {} of {} GPUs", path, rows.size(), host.gpus));
  host.processors = std::max(1, int(sides.size()));
  host.branches = host.processors;
  const int pairs = host.gpus * (host.gpus - 1) / 2;
  if (host.direct.empty() || int(host.direct.size()) < pairs) return host;
  const int each = host.direct.begin()->second;
  const bool alike =
      std::all_of(host.direct.begin(), host.direct.end(), [&](auto& pair) { return pair.second == each; });
  if (!alike || each * (host.gpus - 1) <= most_links) return host;
  host.direct.clear();  // more links to each other than a GPU has: all of them go to switches
  for (int& links : host.links_to_switches) links = each;
  host.notes.push_back(fmt::format("{} NVLinks to each of {} GPUs are more than one has: {} from each GPU to switches",
                                   each, host.gpus - 1, each));
  return host;
}

// Bytes per second of one NVLink in one direction, by compute capability: P100 20 GB/s, V100, A100 and H100 25,
// B200 50.
std::optional<double> nvlink_of(int architecture) {
  if (architecture == 60) return 20e9;
  if (architecture == 70 || architecture == 80 || architecture == 90) return 25e9;
  return architecture == 100 ? std::optional(50e9) : std::nullopt;
}

double needed(std::optional<double> given, std::optional<double> known, const char* what, const char* option) {
  if (given) return *given;
  if (known) return *known;
  throw ConfigError(fmt::format("the file does not tell {}: give {}", what, option));
}

std::string link_text(double bandwidth, double latency) {
  return fmt::format("\"bandwidth\": \"{:.9g}GBps\", \"latency\": \"{:.9g}us\"", bandwidth / 1e9, latency * 1e6);
}

}  // namespace

HostImport import_host(const std::string& path) {
  const std::string text = read_file(path, largest_document);
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != text.npos && text[first] == '<') return NcclTopology(path, text).made();
  return from_matrix(path, text);
}

std::string topology_text(const HostImport& host, const HostFigures& figures) {
  const auto nvlink = [&] {
    return needed(figures.nvlink, nvlink_of(host.architecture), "the bandwidth of an NVLink", "--nvlink 25GBps");
  };
  const auto pcie = [&] {
    return needed(figures.pcie, host.pcie > 0 ? std::optional(host.pcie) : std::nullopt, "the bandwidth of PCIe",
                  "--pcie 31GBps");
  };
  std::string fabric;
  const auto& links = host.links_to_switches;
  const int most = *std::max_element(links.begin(), links.end());
  if (most > 0) {
    if (!host.direct.empty() || *std::min_element(links.begin(), links.end()) < most)
      throw ConfigError("GPUs have unlike numbers of NVLinks to switches, or some to each other, too: no fabric is so");
    fabric = fmt::format("{{\"kind\": \"nvswitch\", {}}}", link_text(most * nvlink(), figures.fabric_latency));
  } else if (!host.direct.empty()) {
    std::string list;
    for (const auto& [ends, count] : host.direct)
      list += fmt::format("{}\n      {{\"from\": {}, \"to\": {}, {}}}", list.empty() ? "" : ",", ends.first,
                          ends.second, link_text(count * nvlink(), figures.fabric_latency));
    fabric = fmt::format("{{\"kind\": \"graph\", \"links\": [{}]}}", list);
  } else {
    const int roots = std::max(1, host.processors);
    fabric = fmt::format("{{\"kind\": \"pcie\", \"switches\": {}, \"roots\": {}, {}}}", std::max(host.branches, roots),
                         roots, link_text(pcie(), figures.fabric_latency));
  }
  const auto& cards = host.card_bandwidths;
  const double network = needed(figures.network, cards.empty() ? std::nullopt : std::optional(cards[0]),
                                "the bandwidth of a network card", "--network 200Gbps");
  const int nics = std::max(1, cards.empty() ? host.cards : int(cards.size()));
  const bool need_ways = nics > host.gpus && (most > 0 || !host.direct.empty());  // to choose a card by
  const std::string ways = need_ways ? fmt::format(" \"nic\": {{{}}},", link_text(pcie(), 0)) : "";
  return fmt::format(
      "// Made by paceline import-topology from {}. The latencies are not from it.\n"
      "{{\n  \"kind\": \"star\", {},\n  \"hosts\": {{\n    \"accelerators\": {}, \"nics\": {},{}\n    \"fabric\": {}\n"
      "  }}\n}}\n",
      host.from_nccl ? "a topology that NCCL dumped" : "what nvidia-smi topo -m printed",
      link_text(network, figures.network_latency), host.gpus, nics, ways, fabric);
}

}  // namespace paceline
