#include "sim/cluster/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/cluster/link_names.hpp"

namespace paceline {

namespace {
NetworkOptions with_seed(NetworkOptions options, std::uint64_t seed) {
  options.seed = seed;
  return options;
}
}  // namespace

Cluster::Cluster(Engine& engine, const ClusterSpec& spec, std::uint64_t seed)
    : spec_(spec),
      seed_(seed),
      topology_(spec.topology.build(spec.topology.room(spec.nodes_needed()))),
      network_(engine, *topology_, with_seed(spec.network, seed)),
      link_states_(network_) {
  for (int w = 0; w < spec.workers; ++w) devices_.emplace_back(engine, spec.communication_slowdown);
  nodes_ = spec.given_nodes.empty() ? place(spec.placement, spec.nodes_needed(), *topology_, seed) : spec.given_nodes;
  for (int s = 0; s < spec.servers.count; ++s)
    server_nodes_.push_back(nodes_[std::size_t(spec.servers.colocated ? s % spec.workers : spec.workers + s)]);
  std::vector<LinkId> route;
  try {
    for (int node : nodes_) {  // from the first of them to each, and back
      topology_->route(nodes_[0], node, 0, route);
      topology_->route(node, nodes_[0], 0, route);
    }
  } catch (const std::invalid_argument& apart) { throw ConfigError({}, "/cluster/topology", apart.what()); }
}

double Cluster::jitter(int worker, std::int64_t step) const {
  return spec_.jitter(Stream(seed_, "jitter", std::uint64_t(worker)).uniform(std::uint64_t(step)));
}

StepCost Cluster::struck(int worker, std::int64_t step, StepCost cost) const {
  const double drawn = cost.forward + cost.backward;
  double seconds = drawn;
  for (std::size_t i = 0; i < spec_.stragglers.size(); ++i)
    if (const auto& strike = spec_.stragglers[i].strike)
      seconds = strike(StragglerDraws(seed_, i), worker, step, seconds);
  if (seconds == drawn) return cost;
  const double forward = drawn > 0 ? cost.forward / drawn : 1;
  return {seconds * forward, seconds * (1 - forward), cost.update};
}

double Cluster::service(int server, std::uint64_t request) const {
  const ServerSpec& servers = spec_.servers;
  if (servers.service == 0) return 0;
  return servers.service * servers.jitter(Stream(seed_, "service", std::uint64_t(server)).uniform(request));
}

void Cluster::start_disturbances(Engine& engine) {
  for (std::size_t i = 0; i < spec_.stragglers.size(); ++i) {
    const auto& run = spec_.stragglers[i].run;
    const auto slow = [this, i](int worker, double factor) { device(worker).set_slowdown(i, factor); };
    if (run)
      engine.spawn(fmt::format("straggler {}", i), run({engine, workers(), StragglerDraws(seed_, i), slow}),
                   Engine::Kind::daemon);
  }
  for (std::size_t i = 0; i < spec_.link_events.size(); ++i) {
    const LinkEventMaker& event = spec_.link_events[i];
    for (const LinkId link : links_named(*topology_, event.pattern)) {
      const Stream stream(splitmix64(seed_ ^ splitmix64(i)), "link event", link);
      engine.spawn(fmt::format("link event {} on {}", i, topology_->link_name(link)),
                   event.run({engine, link_states_, link, i, stream}), Engine::Kind::daemon);
    }
  }
  for (std::size_t i = 0; i < spec_.background.size(); ++i)
    engine.spawn(fmt::format("background {}", i), spec_.background[i].run({engine, network_, seed_, i}),
                 Engine::Kind::daemon);
}

bool ClusterSpec::devices_fail() const {
  return std::any_of(failures.begin(), failures.end(),
                     [](const FailureMaker& each) { return each.run && each.of != FailureMaker::Of::links; });
}

namespace {
bool names_one_of(const FailureMaker& failure, const std::vector<int>& host) {
  return std::any_of(host.begin(), host.end(), [&](int worker) {
    return std::binary_search(failure.workers.begin(), failure.workers.end(), worker);
  });
}
}  // namespace

void Cluster::start_failures(Engine& engine, const std::vector<std::vector<int>>& hosts, OnWorker fail,
                             OnWorker repaired) {
  for (std::size_t i = 0; i < spec_.failures.size(); ++i) {
    const FailureMaker& failure = spec_.failures[i];
    if (!failure.run) continue;
    const auto start = [&](int thing, std::function<void()> fails, std::function<void()> works) {
      const Stream stream(splitmix64(seed_ ^ splitmix64(i)), "failure", std::uint64_t(thing));
      engine.spawn(fmt::format("failure {} of {}", i, thing),
                   failure.run({engine, thing, stream, std::move(fails), std::move(works)}), Engine::Kind::daemon);
    };
    if (failure.of == FailureMaker::Of::workers)
      for (const int worker : failure.workers)
        start(
            worker, [=] { fail(worker); }, [=] { repaired(worker); });
    if (failure.of == FailureMaker::Of::hosts)
      for (const std::vector<int>& host : hosts)
        if (names_one_of(failure, host))
          start(
              host[0],
              [=] {
                for (const int worker : host) fail(worker);
              },
              [=] {
                for (const int worker : host) repaired(worker);
              });
    if (failure.of == FailureMaker::Of::links)
      for (const LinkId link : links_named(*topology_, failure.link)) {
        const std::size_t event = spec_.link_events.size() + i;
        start(
            int(link), [=, this] { link_states_.set(link, event, {.factor = 0}); },
            [=, this] { link_states_.undo(link, event); });
      }
  }
}

double Cluster::failure_rate(const std::vector<std::vector<int>>& hosts) const {
  double rate = 0;
  for (const FailureMaker& failure : spec_.failures) {
    if (!failure.run) continue;
    if (failure.of == FailureMaker::Of::workers) rate += double(failure.workers.size()) / failure.mean;
    if (failure.of == FailureMaker::Of::hosts)
      rate += double(std::count_if(hosts.begin(), hosts.end(),
                                   [&](const auto& host) { return names_one_of(failure, host); })) /
              failure.mean;
  }
  return rate;
}

}  // namespace paceline
