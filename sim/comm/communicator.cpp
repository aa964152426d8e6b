#include "sim/comm/communicator.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "sim/comm/collective.hpp"

namespace paceline {

const char* name_of(Op op) {
  switch (op) {
    case Op::all_reduce:
      return "all_reduce";
    case Op::reduce_scatter:
      return "reduce_scatter";
    case Op::all_gather:
      return "all_gather";
    case Op::broadcast:
      return "broadcast";
    case Op::all_to_all:
      return "all_to_all";
  }
  return "";
}

Communicator::Communicator(Engine& engine, Network& network, Fidelity fidelity, std::span<const int> nodes,
                           std::span<Traffic> traffic, Sink* log)
    : engine_(engine),
      network_(network),
      fidelity_(fidelity),
      nodes_(nodes.begin(), nodes.end()),
      members_(nodes.size()),
      traffic_(traffic),
      log_(log),
      whole_(this) {
  std::iota(members_.begin(), members_.end(), 0);
}

Communicator::Communicator(Communicator& of, const std::vector<int>& ranks)
    : engine_(of.engine_),
      network_(of.network_),
      fidelity_(of.fidelity_),
      traffic_(of.traffic_),
      log_(of.log_),
      whole_(of.whole_) {
  for (const int rank : ranks) {
    nodes_.push_back(of.node(rank));
    members_.push_back(of.members_[std::size_t(rank)]);
  }
}

Communicator::~Communicator() = default;

void Communicator::route(int from, int to, std::vector<LinkId>& out) const {
  network_.topology().route(node(from), node(to), 0, out);
}

Span Communicator::latency(int from, int to) const {
  route(from, to, way_);
  return network_.latency(way_);
}

double Communicator::bandwidth(int from, int to) const {
  route(from, to, way_);
  double least = std::numeric_limits<double>::infinity();
  for (const LinkId link : way_) least = std::min(least, network_.nominal_capacity(link));
  return least;
}

Connection& Communicator::connection(int from, int to) {
  const std::uint64_t key = std::uint64_t(from) << 32 | std::uint64_t(to);
  const auto found = connections_.find(key);
  if (found != connections_.end()) return found->second;
  route(from, to, way_);
  return connections_.try_emplace(key, engine_, network_, node(from), node(to), way_, log_).first->second;
}

Communicator& Communicator::group(const std::vector<int>& ranks) {
  std::unique_ptr<Communicator>& made = groups_[ranks];
  if (!made) made.reset(new Communicator(*this, ranks));
  return *made;
}

void Communicator::tell_under_way() const {
  for (const auto& [ends, connection] : connections_) connection.tell_under_way();
  for (const auto& [ranks, group] : groups_) group->tell_under_way();
}

void Communicator::reset() {
  for (auto& [ends, connection] : connections_) connection.reset();
  for (auto& [ranks, group] : groups_) group->reset();
}

const std::vector<std::vector<int>>& Communicator::hosts() const {
  if (!hosts_.empty()) return hosts_;
  std::unordered_map<int, std::size_t> places;
  for (int rank = 0; rank < size(); ++rank) {
    const std::size_t place = places.try_emplace(network_.topology().host(node(rank)), hosts_.size()).first->second;
    if (place == hosts_.size()) hosts_.emplace_back();
    hosts_[place].push_back(rank);
  }
  return hosts_;
}

int Communicator::ranks_per_host() const {
  const std::size_t first = hosts().front().size();
  const bool even = std::all_of(hosts_.begin(), hosts_.end(), [&](const auto& host) { return host.size() == first; });
  return even ? int(first) : 0;
}

const Communicator::Planned& Communicator::planned(const Algorithm& algorithm, Op op, double bytes) {
  const auto [found, fresh] = planned_.try_emplace({&algorithm, op, bytes});
  Planned& planned = found->second;
  if (!fresh && planned.changes == network_.changes()) return planned;
  planned.changes = network_.changes();
  planned.plan = std::make_shared<const Plan>(algorithm.plan(op, *this, bytes));
  planned.seconds = seconds(*planned.plan, *this);
  planned.lower_bound = lower_bound(*planned.plan, *this);
  return planned;
}

void Communicator::used(Op op, const std::string& algorithm, Fidelity fidelity, double bytes) {
  CollectiveUse& use = whole_->uses_[{op, algorithm, fidelity}];
  ++use.calls;
  use.bytes += bytes;
}

}  // namespace paceline
