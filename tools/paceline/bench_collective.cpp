// paceline bench-collective TOPOLOGY: collectives by themselves over a range of sizes, as a table like that of
// nccl-tests: algbw = size / time; busbw = algbw times what a link carries for a byte of the result: 2(N-1)/N for
// all_reduce, (N-1)/N for reduce_scatter, all_gather and all_to_all, 1 for broadcast. Sizes are those of the whole
// buffer, GB are 10^9 bytes.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "sim/comm/timing.hpp"
#include "sim/core/errors.hpp"
#include "sim/core/units.hpp"
#include "tools/paceline/topology_file.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

struct Words {
  std::string topology, sizes = "1KiB:1GiB", algorithm = "auto", fidelity = "auto";
  std::vector<std::string> ops{"all_reduce"}, assignments;
  double factor = 4;
  int ranks = 0;
  bool json = false;
};

constexpr Op all_ops[] = {Op::all_reduce, Op::reduce_scatter, Op::all_gather, Op::broadcast, Op::all_to_all};
constexpr Fidelity fidelities[] = {Fidelity::automatic, Fidelity::fluid, Fidelity::fused, Fidelity::analytic};

// One of some named values.
template <class Value, std::size_t n>
Value one_of(const Value (&values)[n], const std::string& name, std::string_view flag) {
  std::vector<std::string> names;
  for (const Value value : values) {
    names.emplace_back(name_of(value));
    if (name == name_of(value)) return value;
  }
  throw UsageError(fmt::format("{}: unknown \"{}\"{}", flag, name, did_you_mean_one_of(name, names)));
}

double read_size(const std::string& text) {
  const auto size = parse_quantity(text, Dimension::bytes);
  if (!size || !(*size >= 1) || *size > 1e18)
    throw UsageError(fmt::format("--sizes: \"{}\" must be a size from 1B on, as in 1KiB", text));
  return *size;
}

std::vector<double> read_sizes(const Words& words) {
  const auto colon = words.sizes.find(':');
  const double first = read_size(words.sizes.substr(0, colon));
  const double last = colon == std::string::npos ? first : read_size(words.sizes.substr(colon + 1));
  if (last < first) throw UsageError(fmt::format("--sizes: \"{}\" ends below its start", words.sizes));
  std::vector<double> sizes;
  for (double size = first; size < last * (1 - 1e-12); size *= words.factor) sizes.push_back(size);
  sizes.push_back(last);
  return sizes;
}

double bus_factor(Op op, int n) {
  if (op == Op::broadcast) return 1;
  return (op == Op::all_reduce ? 2.0 : 1.0) * (n - 1) / n;
}

AlgorithmMaker read_algorithm(const std::string& words) {
  Node document = parse_document(words.starts_with('{') ? words : fmt::format("\"{}\"", words), "--algorithm");
  Node holder;
  holder.kind = Node::Kind::object;
  holder.members.push_back({"algorithm", std::move(document), {}});
  Reader::Context context;
  Reader in(holder, "", context);
  return in.kind_or_name("algorithm", collectives::all(), {.help = "of the collective"});
}

int bench(const Words& words) {
  Node document = read_extended(words.topology);
  for (const std::string& assignment : words.assignments) set_path(document, assignment);
  const TopologyMaker maker = topologies::read_topology(document);
  const auto topology = build_topology(maker, words.ranks);
  const int ranks = words.ranks ? words.ranks : topology->nodes();
  if (ranks > topology->nodes())
    throw UsageError(fmt::format("--ranks: {} has {} nodes, not {}", words.topology, topology->nodes(), ranks));
  if (ranks < 2) throw UsageError("--ranks: a collective needs at least 2");
  const std::vector<double> sizes = read_sizes(words);
  const Fidelity fidelity = one_of(fidelities, words.fidelity, "--fidelity");
  const AlgorithmMaker algorithm = read_algorithm(words.algorithm);
  std::vector<int> nodes(static_cast<std::size_t>(ranks));
  std::iota(nodes.begin(), nodes.end(), 0);

  const int hosts = topology->host(ranks - 1) + 1;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const std::string& name : words.ops) {
    const Op op = one_of(all_ops, name, "--ops");
    for (const double& size : sizes) {
      CollectiveTiming timing;
      try {
        timing = time_collective(*topology, nodes, *algorithm, op, size, fidelity);
      } catch (const std::invalid_argument& refused) { throw UsageError(refused.what()); }
      if (!words.json && &size == sizes.data())
        fmt::print(
            "{}# {}: {} ranks on {} of {}\n{:>12} {:>14} {:>14} {:>14}   {:<20} {}\n{:>12} {:>14} {:>14} "
            "{:>14}\n",
            rows.empty() ? "" : "\n", name, ranks, hosts == 1 ? "one host" : fmt::format("{} hosts", hosts),
            std::filesystem::path(words.topology).filename().string(), "size", "time", "algbw", "busbw", "algorithm",
            "fidelity", "(B)", "(us)", "(GB/s)", "(GB/s)");
      const double algbw = timing.seconds > 0 ? size / timing.seconds : 0, busbw = algbw * bus_factor(op, ranks);
      rows.push_back({{"operation", name},
                      {"size_bytes", size},
                      {"time_s", timing.seconds},
                      {"algbw_bytes_per_s", algbw},
                      {"busbw_bytes_per_s", busbw},
                      {"algorithm", timing.algorithm},
                      {"fidelity", name_of(timing.fidelity)}});
      if (!words.json)
        fmt::print("{:>12.0f} {:>14.2f} {:>14.4g} {:>14.4g}   {:<20} {}\n", size, timing.seconds * 1e6, algbw * 1e-9,
                   busbw * 1e-9, timing.algorithm, name_of(timing.fidelity));
    }
  }
  if (words.json)
    fmt::print("{}\n", nlohmann::ordered_json{{"topology", words.topology}, {"ranks", ranks}, {"rows", rows}}.dump(2));
  return done;
}

}  // namespace

Action bench_collective_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("TOPOLOGY", words->topology, "a JSON file with a topology")->required();
  app.add_option("--ops", words->ops, "all_reduce, reduce_scatter, all_gather, broadcast, all_to_all")->delimiter(',');
  app.add_option("--sizes", words->sizes, "FIRST:LAST of the whole buffer, as in 1KiB:1GiB");
  app.add_option("--factor", words->factor, "from one size to the next")->check(CLI::Range(1.01, 1e6));
  app.add_option("--ranks", words->ranks, "on the first nodes; by default all")->check(CLI::Range(2, 1 << 20));
  app.add_option("--algorithm", words->algorithm,
                 "a kind, or its object, as in {\"kind\": \"tree\", \"chunk\": \"1MiB\"}");
  app.add_option("--fidelity", words->fidelity, "auto, fluid, fused or analytic");
  app.add_option("--set", words->assignments, "KEY=VALUE in the topology, as for run")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  app.add_flag("--json", words->json, "prints one JSON document");
  return [words] { return bench(*words); };
}

}  // namespace paceline
