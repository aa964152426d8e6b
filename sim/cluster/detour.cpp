// Network, round links that are down. A flow's route begins at its node's vertex, or at the network card that the node
// reaches at no cost; of the nodes that share a card any will do.
#include <fmt/format.h>

#include "sim/cluster/network.hpp"

namespace paceline {

bool Network::is_blocked(std::span<const LinkId> route) const {
  return std::any_of(route.begin(), route.end(), [&](LinkId link) { return shares_.capacity(link) <= 0; });
}

// Puts a way round what is down into detour_.
bool Network::find_detour(std::span<const LinkId> route) {
  if (node_at_.empty()) {
    node_at_.assign(std::size_t(topology_.vertices()), -1);
    for (int node = topology_.nodes() - 1; node >= 0; --node) node_at_[std::size_t(topology_.port(node))] = node;
    for (int node = 0; node < topology_.nodes(); ++node) node_at_[std::size_t(node)] = node;
  }
  const int from = node_at_[std::size_t(topology_.ends(route.front()).from)],
            to = node_at_[std::size_t(topology_.ends(route.back()).to)];
  if (from < 0 || to < 0) return false;
  const auto usable = [&](LinkId link) { return shares_.capacity(link) > 0; };
  return topology_.detour(from, to, usable, detour_) && !detour_.empty() && detour_.size() <= shares_.longest_route();
}

// Sends a flow that has not joined another way, if there is one.
void Network::reroute(FlowId id) {
  if (find_detour(shares_.route(id))) {
    shares_.set_route(id, detour_, shares_.weight(id));
    ++statistics_.rerouted;
  } else if (!std::exchange(flows_[id].held, true)) {
    ++statistics_.held;
  }
}

// What flows over a link that is down goes on another way with the bytes that are left.
void Network::reroute_all() {
  for (FlowId id = 0; id < flows_.size(); ++id) {
    Flow& flow = flows_[id];
    if (flow.state < State::flowing || !is_blocked(shares_.route(id))) continue;
    if (flow.state == State::alone) end_alone(id);
    if (!find_detour(shares_.route(id))) {
      if (!std::exchange(flow.held, true)) ++statistics_.held;
      continue;
    }
    const double rest = std::clamp(left(id), 0.0, flow.unsettled), carried = flow.unsettled - rest;
    totals_of(flow).moved += carried;
    totals_of(flow).received += carried;
    take_off(id, carried);
    flow.amount = flow.unsettled = rest;
    reroute(id);
    begin(id);
  }
}

void Network::faults(std::vector<std::string>& out) const {
  for (LinkId link = 0; link < specs_.size(); ++link)
    if (shares_.capacity(link) <= 0 && shares_.flows(link) > 0)
      out.push_back(
          fmt::format("the link {} is down, and {} wait{} for it", topology_.link_name(link),
                      shares_.flows(link) == 1 ? "a transfer" : fmt::format("{} transfers", shares_.flows(link)),
                      shares_.flows(link) == 1 ? "s" : ""));
}

}  // namespace paceline
