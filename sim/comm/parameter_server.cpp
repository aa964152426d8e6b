#include "sim/comm/parameter_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace paceline {

ParameterServer::ParameterServer(Engine& engine, Cluster& cluster, int shard, double bytes,
                                 std::function<void(int worker)> received, std::span<Traffic> traffic, Sink* log)
    : engine_(engine),
      cluster_(cluster),
      shard_(shard),
      bytes_(bytes),
      received_(std::move(received)),
      traffic_(traffic),
      log_(log),
      ways_(std::size_t(cluster.workers())),
      requests_(std::size_t(cluster.workers())),
      open_(std::size_t(cluster.workers())),
      arrivals_(engine, 0, fmt::format("requests at server {}", shard)) {
  for (int w = 0; w < cluster.workers(); ++w) {
    Way& way = ways_[std::size_t(w)];
    cluster.topology().route(cluster.worker_node(w), cluster.server_node(shard), 0, way.there);
    cluster.topology().route(cluster.server_node(shard), cluster.worker_node(w), 0, way.back);
  }
}

ParameterServer::Slot ParameterServer::send(int worker, double bytes) {
  bytes = on_wire(worker, bytes);
  if (free_.empty()) {
    free_.push_back(Slot(pushes_.size()));
    pushes_.emplace_back();
  }
  const Slot slot = free_.back();
  free_.pop_back();
  Push& push = pushes_[slot];
  push = {.worker = worker, .ticket = ++tickets_, .bytes = bytes, .sent = engine_.now()};
  requests_[std::size_t(worker)] = {.ticket = push.ticket, .sent = push.sent};
  std::vector<Slot>& open = open_[std::size_t(worker)];
  const bool behind =
      std::any_of(open.begin(), open.end(), [&](Slot other) { return pushes_[other].arrived == Time::max(); });
  open.push_back(slot);
  traffic_[std::size_t(worker)].sent += bytes;
  if (!behind) launch(slot);
  return slot;
}

void ParameterServer::launch(Slot slot) {
  const Push push = pushes_[slot];
  const FlowId flow = cluster_.network().send(ways_[std::size_t(push.worker)].there, push.bytes,
                                              {this, &ParameterServer::on_arrival, slot}, 1, engine_.now() - push.sent);
  pushes_[slot].flow = flow;
  pushes_[slot].launched = true;
  cluster_.device(push.worker).begin_communication();
}

void ParameterServer::arrive(Slot slot) {
  Push& push = pushes_[slot];
  push.arrived = engine_.now();
  push.round = begun_;
  cluster_.device(push.worker).end_communication();
  if (Request& request = requests_[std::size_t(push.worker)]; request.ticket == push.ticket)
    request.arrived = push.arrived;
  if (log_)
    log_->message(
        {cluster_.worker_node(push.worker), cluster_.server_node(shard_), push.bytes, push.sent, push.arrived});
  arrived_.push_back(slot);
  if (timeline_) timeline_->queue(shard_, engine_.now(), arrived_.size());
  arrivals_.add(1);
  for (const Slot next : open_[std::size_t(push.worker)])
    if (!pushes_[next].launched) return launch(next);
}

std::vector<ParameterServer::Slot> ParameterServer::withdraw(int worker) {
  std::vector<Slot> open = std::exchange(open_[std::size_t(worker)], {});
  for (Slot slot : open) {
    Push& push = pushes_[slot];
    push.withdrawn = true;  // who has arrived keeps its place in the queue, until it is skipped there
    if (push.arrived < Time::max()) continue;
    if (push.launched) {
      cluster_.network().cancel(push.flow);
      cluster_.device(worker).end_communication();
    }
    free_.push_back(slot);
  }
  return open;
}

void ParameterServer::release(Slot slot) {
  std::erase(open_[std::size_t(pushes_[slot].worker)], slot);
  free_.push_back(slot);
}

Task<ParameterServer::Taken> ParameterServer::next() {
  for (bool waited = false;;) {
    ++begun_;
    co_await arrivals_.reaches(std::int64_t(taken_) + 1);
    co_await engine_.turn(0);
    ++taken_;
    const auto first = std::min_element(arrived_.begin(), arrived_.end(), [&](Slot a, Slot b) {
      const Push &x = pushes_[a], &y = pushes_[b];
      return std::tuple(x.arrived, x.round, x.worker, x.ticket) < std::tuple(y.arrived, y.round, y.worker, y.ticket);
    });
    const Slot slot = *first;
    arrived_.erase(first);
    if (timeline_) timeline_->queue(shard_, engine_.now(), arrived_.size());
    const int worker = pushes_[slot].worker;
    const Time began = engine_.now();
    serving_ = slot;
    waited |= pushes_[slot].arrived == began;
    if (!pushes_[slot].withdrawn) {
      engine_.mark(std::uint64_t(shard_) << 32 | std::uint64_t(worker));
      if (const double service = cluster_.service(shard_, served_++); service > 0)
        co_await engine_.sleep(span_of(service));
      if (timeline_)
        timeline_->span(
            {.at_server = true, .who = shard_, .what = "service", .on = worker, .from = began, .until = engine_.now()});
    }
    serving_.reset();
    release(slot);
    if (!pushes_[slot].withdrawn) co_return Taken{worker, slot, pushes_[slot].arrived, waited};
  }
}

void ParameterServer::tell_under_way() const {
  if (!log_) return;
  const int here = cluster_.server_node(shard_);
  for (const std::vector<Slot>& open : open_)
    for (const Slot slot : open)
      if (const Push& push = pushes_[slot]; push.arrived == Time::max())
        log_->message({cluster_.worker_node(push.worker), here, push.bytes, push.sent, Time::max()});
  for (const Answer& answer : answers_)
    if (answer.under_way)
      log_->message({here, cluster_.worker_node(answer.worker), on_wire(answer.worker, bytes_),
                     requests_[std::size_t(answer.worker)].answered, Time::max()});
}

void ParameterServer::answer(int worker) {
  requests_[std::size_t(worker)].answered = engine_.now();
  if (free_answers_.empty()) {
    free_answers_.push_back(Slot(answers_.size()));
    answers_.emplace_back();
  }
  const Slot slot = free_answers_.back();
  free_answers_.pop_back();
  const FlowId flow = cluster_.network().send(ways_[std::size_t(worker)].back, on_wire(worker, bytes_),
                                              {this, &ParameterServer::on_answer, slot});
  answers_[slot] = {worker, flow, true};
  cluster_.device(worker).begin_communication();
}

void ParameterServer::receive(Slot slot) {
  const int worker = answers_[slot].worker;
  answers_[slot].under_way = false;
  cluster_.device(worker).end_communication();
  free_answers_.push_back(slot);
  Request& request = requests_[std::size_t(worker)];
  const double bytes = on_wire(worker, bytes_);
  request.received = engine_.now();
  if (log_)
    log_->message(
        {cluster_.server_node(shard_), cluster_.worker_node(worker), bytes, request.answered, request.received});
  traffic_[std::size_t(worker)].received += bytes;
  received_(worker);
}

void ParameterServer::restart() {
  free_.insert(free_.end(), arrived_.begin(), arrived_.end());
  arrived_.clear();
  if (serving_) release(*serving_);
  serving_.reset();
  begun_ = taken_ = std::uint64_t(arrivals_.value());
  withhold_if([](const Answer&) { return true; });
}

void ParameterServer::withhold(int worker) {
  withhold_if([worker](const Answer& each) { return each.worker == worker; });
}

void ParameterServer::withhold_if(const std::function<bool(const Answer&)>& which) {
  for (Slot slot = 0; slot < answers_.size(); ++slot) {
    Answer& answer = answers_[slot];
    if (!answer.under_way || !which(answer)) continue;
    answer.under_way = false;
    cluster_.network().cancel(answer.flow);
    cluster_.device(answer.worker).end_communication();
    free_answers_.push_back(slot);
  }
}

}  // namespace paceline
