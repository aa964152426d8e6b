// The key `hosts` of every shape: hosts of several accelerators around it. The nodes of the whole are the accelerators,
// those of the shape the network cards: card j of host h is the shape's node h * nics + j. Within a host routes are the
// fabric's. Between hosts they lead to the accelerator's own card (card i * nics / accelerators of accelerator i, or
// one of its several, by hash), through the shape, and from the other's card to it. The way to the card is the fabric's
// where the cards hang on it (pcie), else a link `nic`, else free.
//
// Vertices: accelerators, cards, what else is in the fabrics, the shape's switches; host by host.
// Links: those of the fabrics, host by host; to and from the cards; the shape's.
#include <fmt/format.h>

#include "topologies/fabrics/fabric.hpp"

namespace paceline::topologies {
namespace {

struct HostSpec {
  int accelerators = 1, nics = 1;
  FabricMaker fabric;
  std::optional<LinkSpec> nic;
};

class Hosted final : public Topology {
 public:
  Hosted(int hosts, const HostSpec& spec, std::unique_ptr<const Topology> network)
      : hosts_(hosts),
        accelerators_(spec.accelerators),
        nics_(spec.nics),
        ways_(std::max(accelerators_, nics_)),
        fabric_(spec.fabric.build(accelerators_, nics_)),
        network_(std::move(network)),
        nic_(spec.nic),
        on_fabric_(fabric_.nodes() > accelerators_) {
    std::vector<LinkId> way;
    for (int i = 0; i < accelerators_; ++i)
      for (int k = 0; k < accelerators_; ++k) longest_ = std::max(longest_, length(i, k, way));
    if (hosts_ == 1) return;
    unsigned out = nic_ && !on_fabric_ ? 1 : 0;
    for (int n = 0; on_fabric_ && n < ways_; ++n)
      out = std::max(out, length(accelerator_of(n), accelerators_ + card_of(n), way));
    longest_ = std::max(longest_, 2 * out + network_->longest_route());
  }

  int nodes() const override { return hosts_ * accelerators_; }
  int vertices() const override { return first_switch() + network_->vertices() - hosts_ * nics_; }
  std::string vertex_name(int vertex) const override {
    if (vertex >= first_switch()) return network_->vertex_name(network_vertex(vertex));
    if (vertex < first_card()) return in_host(vertex, accelerators_, 0);
    if (vertex < first_inner())
      return fmt::format("h{}.nic{}", (vertex - first_card()) / nics_, (vertex - first_card()) % nics_);
    return in_host(vertex - first_inner(), inner(), fabric_.nodes());
  }
  int host(int vertex) const override {
    if (vertex >= first_switch()) return -1;
    if (vertex < first_card()) return vertex / accelerators_;
    return vertex < first_inner() ? (vertex - first_card()) / nics_ : (vertex - first_inner()) / inner();
  }
  int port(int node) const override {
    return nic_ || on_fabric_ ? node : card(node / accelerators_, card_of(node % accelerators_));
  }
  bool in_first_half(int node) const override {
    if (hosts_ == 1) return Topology::in_first_half(node);
    return network_->in_first_half(node / accelerators_ * nics_);
  }

  std::uint32_t links() const override { return first_network_link() + network_->links(); }
  LinkSpec link(LinkId id) const override {
    if (id < first_card_link()) return fabric_.link(id % fabric_.links());
    return id < first_network_link() ? *nic_ : network_->link(id - first_network_link());
  }
  Ends ends(LinkId id) const override {
    if (id < first_card_link()) {
      const Ends at = fabric_.ends(id % fabric_.links());
      const int in = int(id / fabric_.links());
      return {fabric_vertex(in, at.from), fabric_vertex(in, at.to)};
    }
    if (id < first_network_link()) {
      const int way = int((id - first_card_link()) / 2), in = way / ways_;
      const int gpu = in * accelerators_ + accelerator_of(way % ways_), its = card(in, card_of(way % ways_));
      return (id - first_card_link()) % 2 == 0 ? Ends{gpu, its} : Ends{its, gpu};
    }
    const Ends at = network_->ends(id - first_network_link());
    return {outer_vertex(at.from), outer_vertex(at.to)};
  }
  unsigned longest_route() const override { return longest_; }
  unsigned longest_detour() const override { return longest_ + network_->longest_detour() - network_->longest_route(); }

  void route(int from, int to, std::uint64_t flow, std::vector<LinkId>& out) const override {
    const int a = from / accelerators_, b = to / accelerators_;
    const int i = from % accelerators_, k = to % accelerators_;
    if (a == b) {
      fabric_.route(i, k, flow, out);
      for (LinkId& link : out) link += fabric_links(a);
      return;
    }
    const std::uint64_t hash = route_hash(from, to, flow);
    const int up = way(i, hash), down = way(k, hash >> 32);
    std::vector<LinkId> part;
    out.clear();
    add_fabric(a, i, accelerators_ + card_of(up), part, out);
    if (has_card_links()) out.push_back(card_link(a, up));
    network_->route(a * nics_ + card_of(up), b * nics_ + card_of(down), flow, part);
    for (const LinkId link : part) out.push_back(first_network_link() + link);
    if (has_card_links()) out.push_back(card_link(b, down) + 1);
    add_fabric(b, accelerators_ + card_of(down), k, part, out);
  }

 private:
  // Vertices. `inner`: what a fabric has besides accelerators and cards.
  int inner() const { return fabric_.vertices() - fabric_.nodes(); }
  int first_card() const { return nodes(); }
  int first_inner() const { return first_card() + hosts_ * nics_; }
  int first_switch() const { return first_inner() + hosts_ * inner(); }
  int card(int in, int index) const { return first_card() + in * nics_ + index; }
  int network_vertex(int vertex) const { return vertex - first_switch() + hosts_ * nics_; }
  int outer_vertex(int of_network) const {
    return of_network < hosts_ * nics_ ? first_card() + of_network : of_network - hosts_ * nics_ + first_switch();
  }
  int fabric_vertex(int in, int vertex) const {
    if (vertex < accelerators_) return in * accelerators_ + vertex;
    return vertex < fabric_.nodes() ? card(in, vertex - accelerators_)
                                    : first_inner() + in * inner() + vertex - fabric_.nodes();
  }
  std::string in_host(int index, int per_host, int first) const {
    return fmt::format("h{}.{}", index / per_host, fabric_.vertex_name(first + index % per_host));
  }

  // Ways from accelerators to cards, as many as there are of the more numerous.
  int accelerator_of(int n) const { return n * accelerators_ / ways_; }
  int card_of(int n) const { return n * nics_ / ways_; }
  int way(int accelerator, std::uint64_t hash) const {
    const auto first = [&](int i) { return (i * ways_ + accelerators_ - 1) / accelerators_; };
    const int own = first(accelerator), count = first(accelerator + 1) - own;
    return own + int(hash % std::uint64_t(count));
  }

  // Links.
  bool has_card_links() const { return nic_ && !on_fabric_; }
  LinkId fabric_links(int before_host) const { return LinkId(before_host) * fabric_.links(); }
  LinkId first_card_link() const { return fabric_links(hosts_); }
  LinkId first_network_link() const { return first_card_link() + (has_card_links() ? 2 * LinkId(hosts_ * ways_) : 0); }
  LinkId card_link(int in, int n) const { return first_card_link() + 2 * LinkId(in * ways_ + n); }
  void add_fabric(int in, int from, int to, std::vector<LinkId>& part, std::vector<LinkId>& out) const {
    if (!on_fabric_) return;
    fabric_.route(from, to, 0, part);
    for (const LinkId link : part) out.push_back(fabric_links(in) + link);
  }
  unsigned length(int from, int to, std::vector<LinkId>& part) const {
    fabric_.route(from, to, 0, part);
    return unsigned(part.size());
  }

  int hosts_, accelerators_, nics_, ways_;
  Graph fabric_;
  std::unique_ptr<const Topology> network_;
  std::optional<LinkSpec> nic_;
  bool on_fabric_;  // the cards hang on the fabric
  unsigned longest_ = 0;
};

Graph fabric_of(Reader& in, const HostSpec& host) {
  try {
    Graph fabric(host.fabric.build(host.accelerators, host.nics));
    std::vector<LinkId> route;
    for (int i = 0; i < fabric.nodes(); ++i) {
      fabric.route(0, i, 0, route);
      fabric.route(i, 0, 0, route);
    }
    return fabric;
  } catch (const std::invalid_argument& apart) { in.fail("hosts", fmt::format("the fabric: {}", apart.what())); }
}

}  // namespace

TopologyMaker with_hosts(Reader& in, TopologyMaker (*shape)(Reader&)) {
  HostSpec host;
  const bool given =
      in.object("hosts", "of several accelerators each; the shape then joins their network cards", [&](Reader& hosts) {
        if (!hosts.describing() && !hosts.present()) return;
        host.accelerators = int(hosts.integer("accelerators", {.minimum = 1, .maximum = 256, .help = "of each host"}));
        host.fabric = hosts.kind("fabric", fabrics::all(), {.help = "what joins a host's accelerators"});
        host.nics = int(hosts.integer("nics", {.minimum = 1, .maximum = 256, .help = "network cards of each host"}));
        host.nic = read_optional_link(hosts, "nic", "between an accelerator and its card; left out: that way is free");
      });
  const TopologyMaker network = shape(in);
  if (in.describing() || !given) return network;
  if (network.nodes && network.nodes < host.nics)
    in.fail("hosts",
            fmt::format("have {} cards each, but the shape around them has {} nodes", host.nics, network.nodes));
  const bool on_fabric = fabric_of(in, host).nodes() > host.accelerators;
  if (host.nics > host.accelerators && !host.nic && !on_fabric)
    in.fail("hosts", "with more cards than accelerators, these need the links \"nic\" to choose by");
  const auto build = [host, network](int count) {
    const int hosts = (count + host.accelerators - 1) / host.accelerators;
    return std::make_unique<Hosted>(hosts, host, network.build(network.nodes ? network.nodes : hosts * host.nics));
  };
  return {network.nodes / host.nics * host.accelerators, build, host.accelerators};
}

}  // namespace paceline::topologies
