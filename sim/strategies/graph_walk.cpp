#include "sim/strategies/graph_walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace paceline {
namespace {

using Does = GraphNode::Does;

}  // namespace

GraphWalk::GraphWalk(GraphWalks& all, int rank)
    : all_(all),
      me_(all.training.worker(rank)),
      device_(all.training.cluster().device(rank)),
      nodes_(all.graph->ranks[std::size_t(rank)]),
      label_(fmt::format("graph of worker {}", rank)),
      over_(all.training.engine(), "nodes of the " + label_),
      free_(all.training.engine(), "computes of the " + label_) {
  const std::vector<DeviceSpec>& devices = all.training.cluster().spec().devices;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const GraphNode& node = nodes_[i];
    double seconds = node.does == Does::compute ? node.seconds : 0;
    if (std::isnan(seconds)) {
      if (devices.empty())
        throw ConfigError({}, "/cluster/device",
                          fmt::format("missing: node {} of rank {} of the graph is reckoned from it, as in "
                                      "{{\"peak\": \"15.7TFLOPS\", \"memory_bandwidth\": \"900GBps\"}}",
                                      node.id, rank));
      const DeviceSpec& device = devices[std::size_t(rank)];
      seconds = std::max(node.flops / (device.peak * device.efficiency), node.bytes / device.memory_bandwidth) +
                device.launch_overhead;
    }
    seconds_.push_back(seconds);
    seconds_of_all_ += seconds;
    computes_ += node.does == Does::compute;
    if (node.does != Does::collective) continue;
    const std::size_t group = all.graph->collectives[node.other].group;
    lanes_.try_emplace(group, all.training.engine(), label_).first->second.nodes.push_back(i);
  }
  rewind();
  steps_ = 0;
}

GraphWalk::~GraphWalk() {
  for (const Pending& each : pending_)
    if (nodes_[each.node].does == Does::send) {
      device_.end_communication();
      all_.training.cluster().device(nodes_[each.node].peer).end_communication();
    }
}

void GraphWalk::rewind() {
  ++steps_;
  awaits_.clear();
  for (const GraphNode& node : nodes_) awaits_.push_back(node.after.size());
}

Task<> GraphWalk::run(double factor) {
  const Active active(*this);
  latest_ = me_.path();
  seen_ = now();
  std::vector<Task<>> all;
  all.push_back(compute(factor));
  for (auto& [group, lane] : lanes_) all.push_back(follow(lane));
  all.push_back(end());
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].after.empty()) begin(i, me_.path());
  co_await me_.blocked(all_of(std::move(all)), *this);
}

void GraphWalk::split(Time from, Time to, const Spend& spend) const {
  if (pending_.empty()) return spend(Activity::wait, to, nobody);
  const Pending& first = pending_.front();
  const GraphNode& node = nodes_[first.node];
  if (node.does == Does::collective) return first.lane->split(from, to, spend);
  if (node.does == Does::receive) {
    const auto message = messages_.find(first.node);
    spend(Activity::wait, message == messages_.end() ? to : std::min(message->second.sent, to), node.peer);
  }
  spend(Activity::communication, to, nobody);
}

void GraphWalk::begin(std::size_t i, const Path& path) {
  const GraphNode& node = nodes_[i];
  if (node.does == Does::nothing) return over(i, path);
  if (node.does == Does::send) return send(i, path);
  if (node.does == Does::receive) return receive(i, path);
  if (node.does == Does::compute) {
    computable_.emplace(std::pair(now(), i), path);
    free_.arrive();
    return;
  }
  const std::size_t group = all_.graph->collectives[node.other].group;
  Lane& lane = lanes_.at(group);
  lane.path = path;
  lane.free.arrive();
}

// What this makes begin may be over at once, and so on: not on the stack.
void GraphWalk::over(std::size_t i, const Path& path) {
  finished_.emplace_back(i, path);
  if (finished_.size() > 1) return;
  for (; !finished_.empty(); finished_.pop_front()) {
    const auto& [node, led] = finished_.front();
    latest_ = led;
    over_.arrive();
    for (const std::size_t next : nodes_[node].next)
      if (--awaits_[next] == 0) begin(next, led);
  }
}

void GraphWalk::add_pending(Pending pending) {
  settle();
  pending_.push_back(std::move(pending));
}

GraphWalk::Pending GraphWalk::take_pending(std::size_t node) {
  settle();
  const auto found =
      std::find_if(pending_.begin(), pending_.end(), [&](const Pending& each) { return each.node == node; });
  Pending taken = std::move(*found);
  pending_.erase(found);
  return taken;
}

void GraphWalk::tell(const Pending& pending, Time moving) const {
  const GraphNode& node = nodes_[pending.node];
  me_.tell_communication(node.does == Does::send ? "send" : "receive", node.id, pending.since, now(), moving,
                         node.bytes);
}

void GraphWalk::send(std::size_t i, const Path& path) {
  const GraphNode& node = nodes_[i];
  GraphWalk& to = peer(i);
  Communicator& everybody = all_.training.communicator();
  add_pending({i, now(), path});
  move(+1);
  to.messages_[node.other] = {now()};
  if (to.awaits_[node.other] == 0 && to.active_) to.move(+1);
  device_.begin_communication();
  to.device_.begin_communication();
  everybody.sent(me_.rank(), node.bytes);
  everybody.received(node.peer, node.bytes);
  everybody.connection(me_.rank(), node.peer).send(node.bytes, {this, &GraphWalk::on_arrival, std::uint32_t(i)});
}

void GraphWalk::arrived(std::size_t i) {
  GraphWalk& to = peer(i);
  const std::size_t other = nodes_[i].other;
  device_.end_communication();
  to.device_.end_communication();
  Pending sent = take_pending(i);
  if (!active_) return;
  move(-1);
  tell(sent, sent.since);
  Path path = std::move(sent.path);
  path.add(Activity::communication, now());
  over(i, path);
  if (!to.active_ || to.awaits_[other] > 0) {
    to.messages_[other].arrived = true;
    return;
  }
  to.tell(to.take_pending(other), sent.since);
  to.messages_.erase(other);
  to.move(-1);
  to.over(other, path);
}

void GraphWalk::receive(std::size_t i, const Path& path) {
  const auto message = messages_.find(i);
  if (message != messages_.end() && message->second.arrived) {
    messages_.erase(message);
    return over(i, path);
  }
  add_pending({i, now(), path});
  if (message != messages_.end()) move(+1);
}

Task<> GraphWalk::compute(double factor) {
  Path before;
  for (std::uint64_t k = 0; k < computes_; ++k) {
    co_await free_.reach(steps_ * computes_ + k + 1);
    auto next = computable_.extract(computable_.begin());
    const std::size_t i = next.key().second;
    const Time from = now();
    Path path = next.key().first < from ? before : next.mapped();  // it was free, but the device was not
    set_state(true, moving_);
    co_await me_.spends(Activity::compute, on_device(seconds_[i] * factor));
    set_state(false, moving_);
    path.add(Activity::compute, now(), me_.rank());
    if (Timeline* timeline = all_.training.timeline())
      timeline->span({.who = me_.rank(),
                      .what = "compute",
                      .number = nodes_[i].id,
                      .step = me_.current_step(),
                      .from = from,
                      .until = now()});
    before = path;
    over(i, path);
  }
}

Task<> GraphWalk::on_device(double seconds) {
  device_.begin();
  co_await device_.reach(seconds);
}

Task<> GraphWalk::follow(Lane& lane) {
  for (std::uint64_t k = 0; k < lane.nodes.size(); ++k) {
    co_await lane.free.reach(steps_ * lane.nodes.size() + k + 1);
    const std::size_t i = lane.nodes[k];
    const GraphCollective& what = all_.graph->collectives[nodes_[i].other];
    const std::vector<int>& group = all_.graph->groups[what.group];
    const auto rank = std::size_t(std::lower_bound(group.begin(), group.end(), me_.rank()) - group.begin());
    std::unique_ptr<GraphWalks::Call>& call = all_.calls[nodes_[i].other];
    if (!call)
      call.reset(new GraphWalks::Call{
          Reduction(all_.training, *all_.groups[what.group], *all_.algorithm, what.op, {what.bytes}, all_.record),
          std::vector<bool>(group.size())});
    call->in[rank] = true;
    if (++call->joined == group.size()) {
      call->path = lane.path;
      call->path.share();
      for (std::size_t r = 0; r < group.size(); ++r)
        if (call->in[r]) all_.ranks[std::size_t(group[r])]->move(+1);
    }
    Reduction::Lane stay(call->reduction, me_, int(rank));
    add_pending({i, now(), lane.path, &stay});
    co_await stay.next();
    Path path = take_pending(i).path;
    if (call->joined == group.size()) {  // a broadcast may be through for its root before
      path = call->path;
      move(-1);
    }
    path.add(Activity::communication, now());
    call->in[rank] = false;
    if (++call->left == group.size()) call.reset();
    over(i, path);
  }
}

}  // namespace paceline
