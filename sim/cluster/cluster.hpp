// Cluster: what `cluster` of a scenario describes, and what is built from it: the network, a device per worker, the
// nodes that workers and servers sit on, the stragglers.
#pragma once
#include <deque>
#include <memory>
#include <vector>

#include "sim/cluster/background/background.hpp"
#include "sim/cluster/cost.hpp"
#include "sim/cluster/device.hpp"
#include "sim/cluster/failures/failure.hpp"
#include "sim/cluster/fidelity.hpp"
#include "sim/cluster/jitter/jitter.hpp"
#include "sim/cluster/link_events/link_event.hpp"
#include "sim/cluster/network.hpp"
#include "sim/cluster/placement.hpp"
#include "sim/cluster/stragglers/straggler.hpp"
#include "sim/core/random.hpp"
#include "topologies/topology_maker.hpp"

namespace paceline {

struct ServerSpec {
  int count = 1;
  bool colocated = false;  // server k on the node of worker k mod N; otherwise on nodes of their own
  double service = 0;      // seconds per request, before its jitter
  Jitter jitter;
  bool series = false;  // a worker visits the shards one after the other, not all at once
};

// What happens where a device's memory does not hold what a worker keeps on it.
enum class MemoryCheck { error, warn, off };

struct ClusterSpec {
  int workers = 1;
  TopologyMaker topology;
  Fidelity fidelity = Fidelity::automatic;
  Placement placement = Placement::packed;
  std::vector<int> given_nodes;  // of the workers, then of dedicated servers, in place of the rule; empty: by the rule
  std::vector<DeviceSpec> devices;
  std::vector<std::string> device_names;
  MemoryCheck memory_check = MemoryCheck::error;
  ServerSpec servers;
  Jitter jitter;
  double communication_slowdown = 1;
  std::vector<StragglerMaker> stragglers;
  NetworkOptions network;
  std::vector<LinkEventMaker> link_events;
  std::vector<BackgroundMaker> background;
  std::vector<FailureMaker> failures;

  bool devices_fail() const;
  int dedicated_servers() const { return servers.colocated ? 0 : servers.count; }
  int nodes_needed() const { return workers + dedicated_servers(); }
};

class Cluster {
 public:
  // Throws ConfigError when not all that take part can reach each other.
  Cluster(Engine& engine, const ClusterSpec& spec, std::uint64_t seed);
  Cluster(const Cluster&) = delete;

  int workers() const { return spec_.workers; }
  std::uint64_t seed() const { return seed_; }
  const ClusterSpec& spec() const { return spec_; }
  const Topology& topology() const { return *topology_; }
  Network& network() { return network_; }
  const Network& network() const { return network_; }
  Device& device(int worker) { return devices_[std::size_t(worker)]; }
  int worker_node(int worker) const { return nodes_[std::size_t(worker)]; }
  int server_node(int server) const { return server_nodes_[std::size_t(server)]; }
  std::span<const int> worker_nodes() const { return {nodes_.data(), std::size_t(spec_.workers)}; }

  // The factor on all durations of worker w's k-th step.
  double jitter(int worker, std::int64_t step) const;
  // The same durations once stragglers have struck worker w's k-th step: its forward and backward together take another
  // time, each its share of it.
  StepCost struck(int worker, std::int64_t step, StepCost cost) const;
  // Seconds of a server's n-th request.
  double service(int server, std::uint64_t request) const;

  // Starts what disturbs the workers: stragglers, link events, background traffic.
  void start_disturbances(Engine& engine);
  // Starts what breaks; says so of workers, by their hosts.
  using OnWorker = std::function<void(int worker)>;
  void start_failures(Engine& engine, const std::vector<std::vector<int>>& hosts, OnWorker fail, OnWorker repaired);
  // Failures per second of all devices together, as means; those of lists are not in it.
  double failure_rate(const std::vector<std::vector<int>>& hosts) const;

 private:
  const ClusterSpec& spec_;
  std::uint64_t seed_;
  std::unique_ptr<const Topology> topology_;
  Network network_;
  LinkStates link_states_;
  std::deque<Device> devices_;
  std::vector<int> nodes_, server_nodes_;
};

}  // namespace paceline
