// poisson: flows arrive independently of one another, with exponential times between them, each from a random node to
// another; sizes are a mean times a factor of mean 1. The load is rate * mean size.
#include <cmath>
#include <limits>

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
  const auto node = [&](const std::vector<int>& nodes, const Stream& stream, std::uint64_t k) {
    const std::uint64_t choice = stream.below(nodes.empty() ? std::uint64_t(topology.nodes()) : nodes.size(), k);
    return nodes.empty() ? int(choice) : nodes[choice];
  };
  std::vector<LinkId> route;
  for (std::uint64_t k = 0;; ++k) {
    co_await world.engine.idle_sleep(span_or_never(exponential_quantile(times.uniform(k)) / traffic.rate));
    const int from = node(traffic.from, sources, k), to = node(traffic.to, targets, k);
    if (from == to) continue;  // it stays within the node
    topology.route(from, to, k, route);
    world.network.send(route, traffic.size * traffic.factor(sizes.uniform(k)), {nullptr, ignore_arrival, 0}, 1, Span{0},
                       Network::Owner::background);
  }
}

std::vector<int> read_nodes(Reader& in, std::string_view key, std::string_view help) {
  std::vector<int> nodes;
  for (const std::int64_t node : in.integers(key, {.minimum = 0, .maximum = (1 << 20) - 1, .help = help}))
    nodes.push_back(int(node));
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
    if (traffic.rate > 1e9) in.fail("load", "is more than 1e9 flows a second of this size");
  }
  return {traffic.from, traffic.to, [traffic](BackgroundWorld world) { return send(world, traffic); }};
}

}  // namespace paceline::backgrounds
