// Each operation is simulated as nccl-tests does it, by itself on an idle network, all ranks at once.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>

#include "sim/comm/timing.hpp"
#include "sim/experiment/calibrate/fits.hpp"
#include "sim/experiment/expression.hpp"
#include "sim/experiment/import/nccl_log.hpp"
#include "topologies/topology_maker.hpp"

namespace paceline {
namespace {

using Timer = std::function<double(const Topology&, std::span<const int>, double bytes)>;

Task<> message(Network& network, const std::vector<LinkId>& route, double bytes) {
  co_await network.transfer(route, bytes);
}

// sendrecv: every rank sends to the next one.
double shift_seconds(const Topology& topology, std::span<const int> nodes, double bytes) {
  Engine engine;
  Network network(engine, topology);
  std::vector<std::vector<LinkId>> routes(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    topology.route(nodes[i], nodes[(i + 1) % nodes.size()], 0, routes[i]);
    engine.spawn("message", message(network, routes[i], bytes));
  }
  engine.run();
  const double seconds = to_seconds(engine.now());
  engine.stop();
  return seconds;
}

Timer collective_timer(Op op, const std::string& words) {
  Node holder = parse_document(
      fmt::format("{{\"algorithm\": {}}}", words.starts_with('{') ? words : "\"" + words + "\""), "--algorithm");
  Reader::Context context;
  const AlgorithmMaker algorithm =
      Reader(holder, "", context).kind_or_name("algorithm", collectives::all(), {.help = "of the collective"});
  return [op, algorithm](const Topology& topology, std::span<const int> nodes, double bytes) {
    return time_collective(topology, nodes, *algorithm, op, bytes, Fidelity::automatic).seconds;
  };
}

struct Candidate {
  std::string name;
  Timer time;
};
// The ways in which an operation may have been done, the more usual first; none: there is no such operation here.
std::vector<Candidate> candidates_of(const std::string& operation, const std::string& algorithm) {
  if (operation == "sendrecv") return {{"messages", shift_seconds}};
  static const std::vector<std::tuple<std::string, Op, std::vector<std::string>>> known{
      {"all_reduce", Op::all_reduce, {"ring", "in_network", "hierarchical"}},
      {"all_gather", Op::all_gather, {"ring", "halving_doubling", "direct"}},
      {"reduce_scatter", Op::reduce_scatter, {"ring", "halving_doubling", "direct"}},
      {"alltoall", Op::all_to_all, {"direct"}},
      {"broadcast", Op::broadcast, {"tree"}}};
  std::vector<Candidate> made;
  for (const auto& [name, op, algorithms] : known)
    if (name == operation)
      for (const std::string& each : algorithm.empty() ? algorithms : std::vector{algorithm})
        made.push_back({each, collective_timer(op, each)});
  return made;
}

// Objects with a bandwidth, as --link names them.
void add_links(const Node& node, const std::string& path, std::vector<std::string>& links) {
  if (!path.empty() && node.find("bandwidth")) links.push_back(path);
  for (const Member& member : node.members)
    add_links(member.value, path + (path.empty() ? "" : ".") + member.key, links);
}

std::string link_of(const std::string& chosen, const Node& topology, int ranks) {
  const Node* hosts = topology.find("hosts");
  const Node* accelerators = hosts ? hosts->find("accelerators") : nullptr;
  const bool one_host = accelerators && ranks <= accelerators->integer;
  const std::string prefix = !chosen.empty() ? chosen + "." : one_host ? "hosts.fabric." : "";
  if (look_up(topology, prefix + "bandwidth")) return prefix;
  std::vector<std::string> links;
  add_links(topology, "", links);
  throw ConfigError(topology.place, "",
                    fmt::format("has no {}bandwidth to be fitted; {}", prefix,
                                links.empty() ? "nor any other link that is not one of a list"
                                              : fmt::format("--link takes {}", fmt::join(links, ", "))));
}

// Better: within what its links can carry, then by what is left. One that is not clearly better, by a fifth, is not
// taken in place of a more usual one.
bool better(const Fitted& a, const Fitted& b) {
  const auto stuck = [](const Fitted& each) { return each.made.knobs[0].at_bound; };
  if (stuck(a) != stuck(b)) return stuck(b);
  return a.made.mean_error(a.measured) < 0.8 * b.made.mean_error(b.measured) - 1e-6;
}

// The times of one test with the keys of one link, in the way that fits best.
Fitted fit_test(const NcclTest& test, int ranks, const Node& document, const LogOptions& options,
                const std::vector<Candidate>& candidates) {
  Fitted fitted{.name = fmt::format("{}, {} ranks", test.operation, ranks), .scale = 1e6, .unit = "us"};
  std::vector<double> sizes;
  for (const NcclTest::Row& row : test.rows) {
    if (row.bytes < options.smallest) continue;
    sizes.push_back(row.bytes);
    fitted.labels.push_back(fmt::format("{:.0f}", row.bytes));
    fitted.measured.push_back(row.seconds);
  }
  std::vector<int> nodes(static_cast<std::size_t>(ranks));
  std::iota(nodes.begin(), nodes.end(), 0);
  const std::string link = link_of(options.link, document, ranks);
  const std::vector<Knob> knobs{knob_of(document, link + "efficiency"),
                                knob_of(document, link + "latency", Dimension::duration),
                                knob_of(document, link + "overhead", Dimension::duration)};
  std::optional<Fitted> best;
  std::string why;
  for (const Candidate& candidate : candidates) {
    const CalibrationModel model = [&](const Node& with) {
      Node copy = with;
      const TopologyMaker maker = topologies::read_topology(copy);
      const auto topology = maker.build(maker.room(ranks));
      std::vector<double> seconds;
      for (const double size : sizes) seconds.push_back(candidate.time(*topology, nodes, size));
      return seconds;
    };
    fitted.by = candidate.name;
    try {
      fitted.made = calibrate(document, knobs, fitted.measured, model);
    } catch (const std::invalid_argument& refused) {  // by the algorithm
      why = refused.what();
      continue;
    }
    if (!best || better(fitted, *best)) best = fitted;
  }
  if (!best) throw std::invalid_argument(why);
  return *best;
}

}  // namespace

std::vector<Fitted> fit_log(const std::string& log, const std::string& topology, const LogOptions& options,
                            std::vector<std::string>& notes) {
  const Node document = read_extended(topology);
  const Place place{std::make_shared<std::string>(log)};
  std::vector<NcclTest> tests = read_nccl_log(log);
  const auto nameless =
      std::count_if(tests.begin(), tests.end(), [](const NcclTest& test) { return test.operation.empty(); });
  std::vector<Fitted> fits;
  std::vector<std::string> found;
  for (NcclTest& test : tests) {
    if (test.operation.empty() && nameless == 1 && options.operations.size() == 1)
      test.operation = options.operations[0];
    if (test.operation.empty()) {
      notes.push_back(
          fmt::format("left out: a test that the log does not name; {}say which it is, as in --ops all_gather",
                      nameless > 1 ? "give it alone and " : ""));
      continue;
    }
    found.push_back(test.operation);
    const auto& wanted = options.operations;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), test.operation) == wanted.end()) continue;
    const int ranks = test.ranks ? test.ranks : options.ranks;
    if (ranks < 2)
      throw ConfigError(place, "", fmt::format("does not say how many ranks {} had; give --ranks", test.operation));
    const auto candidates = candidates_of(test.operation, options.algorithm);
    const auto rows = std::count_if(test.rows.begin(), test.rows.end(),
                                    [&](const NcclTest::Row& row) { return row.bytes >= options.smallest; });
    if (candidates.empty()) notes.push_back(fmt::format("left out: {}, which is no operation here", test.operation));
    else if (rows < 3)
      notes.push_back(
          fmt::format("left out: {}, which has {} rows that are large enough, and needs 3", test.operation, rows));
    else try {
        fits.push_back(fit_test(test, ranks, document, options, candidates));
        if (fits.back().made.knobs[0].at_bound)
          notes.push_back(
              fmt::format("{}: the links would have to carry more than their bandwidth; the topology, the "
                          "link or the algorithm is another",
                          test.operation));
      } catch (const std::invalid_argument& refused) {  // by the algorithm
        notes.push_back(fmt::format("left out: {}: {}", test.operation, refused.what()));
      }
  }
  for (const std::string& wanted : options.operations)
    if (std::find(found.begin(), found.end(), wanted) == found.end())
      throw ConfigError(place, "", fmt::format("has no test \"{}\"{}", wanted, did_you_mean_one_of(wanted, found)));
  if (fits.empty()) throw ConfigError(place, "", fmt::format("nothing to fit; {}", fmt::join(notes, "; ")));
  return fits;
}

}  // namespace paceline
