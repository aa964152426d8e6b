#include "topologies/topology_maker.hpp"

#include <fmt/format.h>

#include "sim/core/random.hpp"

namespace paceline::topologies {

TopologyMaker read_topology(Node& document) {
  Reader::Context context;
  Reader in(document, "", context);
  in.text("kind", {.help = "of the topology"});
  in.need("kind");
  return all().read(in, *document.find("kind"));
}

LinkSpec read_link(Reader& in) {
  const double bandwidth = in.bandwidth("bandwidth", {.above_minimum = true, .help = "of each direction"});
  if (bandwidth < 0.125 && in.has("bandwidth")) in.fail("bandwidth", "must be at least 1bps");
  const double latency = in.duration("latency", {.maximum = 3600, .help = "one-way, of this link"});
  const double efficiency = in.number(
      "efficiency",
      {.minimum = 0, .maximum = 1, .above_minimum = true, .fallback = 1, .help = "payload over bytes on the wire"});
  const double overhead =
      in.duration("overhead", {.maximum = 3600, .fallback = 0, .help = "of every message, on top of the latency"});
  return {bandwidth, span_of(latency), efficiency, span_of(overhead)};
}

LinkSpec read_link(Reader& in, std::string_view key, std::string_view help) {
  LinkSpec spec{};
  in.object(
      key, help, [&](Reader& link) { spec = read_link(link); }, true);
  return spec;
}

std::optional<LinkSpec> read_optional_link(Reader& in, std::string_view key, std::string_view help) {
  std::optional<LinkSpec> spec;
  in.object(key, help, [&](Reader& link) {
    if (link.describing() || link.present()) spec = read_link(link);
  });
  return spec;
}

int read_nodes(Reader& in) {
  return int(
      in.optional_integer("nodes",
                          {.minimum = 1, .maximum = 1 << 20, .help = "hosts; left out: workers and dedicated servers"})
          .value_or(0));
}

int read_nodes(Reader& in, std::int64_t room, std::string_view rule) {
  const auto nodes =
      in.optional_integer("nodes", {.minimum = 1, .maximum = 1 << 20, .help = "left out: all there are"});
  if (in.describing()) return 1;
  if (room > 1 << 20) in.fail("", fmt::format("{} = {} nodes are more than {}", rule, room, 1 << 20));
  if (nodes && *nodes > room) in.fail("nodes", fmt::format("must be at most {} = {}, not {}", rule, room, *nodes));
  return int(nodes.value_or(room));
}

std::uint64_t route_hash(int from, int to, std::uint64_t flow) {
  return splitmix64(splitmix64(std::uint64_t(from) << 32 | std::uint64_t(to)) ^ flow);
}

}  // namespace paceline::topologies
