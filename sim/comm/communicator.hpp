// Communicator: ranks that talk to each other, each on a node: the connections between them, the smaller groups among
// them (the ranks of a host; the ranks with one place on every host), and what was planned for them. It lives as long
// as the run, its collectives one call each.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "sim/cluster/fidelity.hpp"
#include "sim/comm/message.hpp"
#include "sim/comm/plan.hpp"

namespace paceline {

class Algorithm;

enum class Op { all_reduce, reduce_scatter, all_gather, broadcast, all_to_all };
const char* name_of(Op op);

// Payload bytes that crossed a rank's NIC.
struct Traffic {
  double sent = 0, received = 0;
};

// The collectives of one kind in a run.
struct CollectiveUse {
  std::uint64_t calls = 0;
  double bytes = 0;
};
using CollectiveUses = std::map<std::tuple<Op, std::string, Fidelity>, CollectiveUse>;  // by algorithm

class Communicator {
 public:
  // Rank r sits on nodes[r], and its traffic is traffic[r]. `log`, if given, hears of every message.
  Communicator(Engine& engine, Network& network, Fidelity fidelity, std::span<const int> nodes,
               std::span<Traffic> traffic, Sink* log = nullptr);
  ~Communicator();
  Communicator(const Communicator&) = delete;

  int size() const { return int(nodes_.size()); }
  int node(int rank) const { return nodes_[std::size_t(rank)]; }
  int member(int rank) const { return members_[std::size_t(rank)]; }  // the rank among all
  Engine& engine() const { return engine_; }
  Network& network() const { return network_; }
  Sink* log() const { return log_; }
  Fidelity fidelity() const {
    constexpr int most_fluid = 64;
    if (fidelity_ != Fidelity::automatic) return fidelity_;
    return size() <= most_fluid ? Fidelity::fluid : Fidelity::fused;
  }

  void route(int from, int to, std::vector<LinkId>& out) const;
  Span latency(int from, int to) const;      // of a message without bytes
  double bandwidth(int from, int to) const;  // bytes a second of the way's slowest link; infinite where it is free
  // One for all messages from one rank to another, so that they stay in order.
  Connection& connection(int from, int to);
  void sent(int rank, double bytes) { traffic_[std::size_t(members_[std::size_t(rank)])].sent += bytes; }
  void received(int rank, double bytes) { traffic_[std::size_t(members_[std::size_t(rank)])].received += bytes; }

  // Tells the log of messages that have not arrived.
  void tell_under_way() const;
  // Takes back all messages that are on their way between ranks, here and in groups.
  void reset();

  // A group of some of these ranks: rank r of it is ranks[r] here. Made once.
  Communicator& group(const std::vector<int>& ranks);
  // The ranks of each host, in the order of ranks.
  const std::vector<std::vector<int>>& hosts() const;
  // How many ranks every host has; 0 where they differ.
  int ranks_per_host() const;

  struct Planned {
    std::shared_ptr<const Plan> plan;  // a change of a link makes another while a collective still goes by this one
    double seconds = 0, lower_bound = 0;
    std::uint64_t changes = 0;  // of links, up to which it holds
  };
  // With the latencies of now, and the bandwidths of links to which nothing has happened.
  const Planned& planned(const Algorithm& algorithm, Op op, double bytes);

  void used(Op op, const std::string& algorithm, Fidelity fidelity, double bytes);
  const CollectiveUses& uses() const { return uses_; }
  // Bytes that only a plan has sent, not the network.
  void reckoned(double bytes) { whole_->reckoned_bytes_ += bytes; }
  double reckoned_bytes() const { return reckoned_bytes_; }

 private:
  Communicator(Communicator& of, const std::vector<int>& ranks);

  Engine& engine_;
  Network& network_;
  Fidelity fidelity_;
  std::vector<int> nodes_, members_;  // by rank: members_ are ranks of the whole
  std::span<Traffic> traffic_;        // of the whole
  Sink* log_;
  Communicator* whole_;  // itself, or what it is a group of
  std::unordered_map<std::uint64_t, Connection> connections_;
  std::map<std::vector<int>, std::unique_ptr<Communicator>> groups_;
  mutable std::vector<std::vector<int>> hosts_;
  mutable std::vector<LinkId> way_;
  std::map<std::tuple<const Algorithm*, Op, double>, Planned> planned_;
  CollectiveUses uses_;
  double reckoned_bytes_ = 0;
};

}  // namespace paceline
