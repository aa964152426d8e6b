#include "sim/comm/timing.hpp"

#include <fmt/format.h>

namespace paceline {

CollectiveTiming time_collective(const Topology& topology, std::span<const int> nodes, const Algorithm& algorithm,
                                 Op op, double bytes, Fidelity fidelity, std::span<std::vector<float>> values) {
  CollectiveTiming timing;
  Engine engine;
  Network network(engine, topology);
  std::vector<Traffic> traffic(nodes.size());
  Communicator group(engine, network, fidelity, nodes, traffic);
  const std::unique_ptr<Collective> collective = make_collective(algorithm, op, group, bytes, &timing.lower_bound);
  for (std::size_t rank = 0; rank < values.size(); ++rank) collective->attach(int(rank), values[rank]);
  for (int rank = 0; rank < group.size(); ++rank) engine.spawn(fmt::format("rank {}", rank), collective->member(rank));
  engine.run();
  timing.seconds = to_seconds(engine.now());
  timing.algorithm = std::get<1>(group.uses().begin()->first);
  timing.fidelity = std::get<2>(group.uses().begin()->first);
  timing.transfers = network.statistics().transfers;
  engine.stop();
  return timing;
}

}  // namespace paceline
