// poisson: flows arrive independently of one another, with exponential times between them, each from a random node to
// another one; sizes are a mean times a factor of mean 1. The load is rate * mean size.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "sim/cluster/background/background.hpp"
#include "sim/cluster/jitter/jitter.hpp"

namespace paceline::backgrounds {
namespace {

struct Traffic {
  double rate = 0, size = 0;  // flows a second, mean bytes
  Jitter factor;              // on the size
  std::vector<int> from, to;
};

void ignore_arrival(void*, std::uint32_t) {}

Task<> send(BackgroundWorld world, Traffic traffic) {
  const Topology& topology = world.network.topology();
  const Stream times(world.seed, "background times", world.entry), sizes(world.seed, "background sizes", world.entry),
      sources(world.seed, "background sources", world.entry), targets(world.seed, "background targets", world.entry);
  std::vector<int> all(std::size_t(topology.nodes()));
  std::iota(all.begin(), all.end(), 0);
  const std::vector<int>&senders = traffic.from.empty() ? all : traffic.from,
        &receivers = traffic.to.empty() ? all : traffic.to;
  if (senders.size() == 1 && senders == receivers) co_return;
  // One of the nodes, but not `other`, which may be among them, once.
  const auto one_of = [](const std::vector<int>& nodes, const Stream& stream, std::uint64_t k, int other) {
    const auto place = std::find(nodes.begin(), nodes.end(), other);
    const std::uint64_t choice = stream.below(nodes.size() - (place != nodes.end()), k);
    return nodes[choice + (choice >= std::uint64_t(place - nodes.begin()))];
  };
  std::vector<LinkId> route;
  for (std::uint64_t k = 0;; ++k) {
    co_await world.engine.idle_sleep(span_or_never(exponential_quantile(times.uniform(k)) / traffic.rate));
    const int from = one_of(senders, sources, k, receivers.size() == 1 ? receivers[0] : -1);
    const int to = one_of(receivers, targets, k, from);
    topology.route(from, to, k, route);
    world.network.send(route, traffic.size * traffic.factor(sizes.uniform(k)), {nullptr, ignore_arrival, 0}, 1, Span{0},
                       Network::Owner::background);
  }
}

std::vector<int> read_nodes(Reader& in, std::string_view key, std::string_view help) {
  std::vector<int> nodes;
  for (const std::int64_t node : in.integers(key, {.minimum = 0, .maximum = (1 << 20) - 1, .help = help}))
    nodes.push_back(int(node));
  std::sort(nodes.begin(), nodes.end());
  if (std::adjacent_find(nodes.begin(), nodes.end()) != nodes.end()) in.fail(key, "has a node twice");
  return nodes;
}

}  // namespace

BackgroundMaker poisson(Reader& in) {
  in.about("flows of others at random: exponential times between them, random pairs of nodes");
  Traffic traffic;
  const double none = std::numeric_limits<double>::quiet_NaN();
  const double load = in.bandwidth(
      "load", {.above_minimum = true, .fallback = none, .help = "of all its flows together; or give the rate"});
  const auto rate = in.optional_number(
      "rate", {.minimum = 0, .maximum = 1e9, .above_minimum = true, .help = "flows a second; or give the load"});
  traffic.size = in.bytes("size", {.above_minimum = true, .help = "mean, of a flow"});
  traffic.factor = in.kind("size_factor", jitters::all(), {.fallback = "constant", .help = "on the size of each flow"});
  traffic.from = read_nodes(in, "from", "nodes that send; left out: all");
  traffic.to = read_nodes(in, "to", "nodes that receive; left out: all");
  if (!in.describing()) {
    if (std::isnan(load) != rate.has_value()) in.fail("", "needs \"load\" or \"rate\", one of them");
    traffic.rate = rate.value_or(load / traffic.size);
    if (traffic.from.size() == 1 && traffic.from == traffic.to) in.fail("to", "must have another node than \"from\"");
    if (traffic.rate > 1e9) in.fail("load", "is more than 1e9 flows a second of this size");
  }
  return {traffic.from, traffic.to, [traffic](BackgroundWorld world) { return send(world, traffic); }};
}

}  // namespace paceline::backgrounds
