#include "sim/comm/parameter_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace paceline {

ParameterServer::ParameterServer(Engine& engine, Cluster& cluster, int shard, double bytes,
                                 std::deque<Arrivals>& answers, std::span<Traffic> traffic, Sink* log)
    : engine_(engine),
      cluster_(cluster),
      shard_(shard),
      bytes_(bytes),
      answers_(answers),
      traffic_(traffic),
      log_(log),
      ways_(std::size_t(cluster.workers())),
      requests_(std::size_t(cluster.workers())),
      arrivals_(engine, 0, fmt::format("requests at server {}", shard)) {
  for (int w = 0; w < cluster.workers(); ++w) {
    Way& way = ways_[std::size_t(w)];
    cluster.topology().route(cluster.worker_node(w), cluster.server_node(shard), 0, way.there);
    cluster.topology().route(cluster.server_node(shard), cluster.worker_node(w), 0, way.back);
  }
}

void ParameterServer::send(int worker) {
  requests_[std::size_t(worker)] = {.worker = worker, .sent = engine_.now()};
  traffic_[std::size_t(worker)].sent += bytes_to(worker);
  cluster_.network().send(ways_[std::size_t(worker)].there, bytes_to(worker),
                          {this, &ParameterServer::on_arrival, std::uint32_t(worker)});
}

void ParameterServer::arrive(int worker) {
  Request& request = requests_[std::size_t(worker)];
  request.arrived = engine_.now();
  if (log_)
    log_->message(
        {cluster_.worker_node(worker), cluster_.server_node(shard_), bytes_to(worker), request.sent, request.arrived});
  requests_[std::size_t(worker)].round = taken_;
  arrived_.push_back(worker);
  arrivals_.add(1);
}

Task<int> ParameterServer::next() {
  co_await arrivals_.reaches(std::int64_t(++taken_));
  co_await engine_.turn(0);
  const auto first = std::min_element(arrived_.begin(), arrived_.end(), [&](int a, int b) {
    const Request &x = requests_[std::size_t(a)], &y = requests_[std::size_t(b)];
    return std::tuple(x.arrived, x.round, a) < std::tuple(y.arrived, y.round, b);
  });
  const int worker = *first;
  arrived_.erase(first);
  engine_.mark(std::uint64_t(shard_) << 32 | std::uint64_t(worker));
  if (const double service = cluster_.service(shard_, taken_ - 1); service > 0)
    co_await engine_.sleep(span_of(service));
  co_return worker;
}

void ParameterServer::answer(int worker) {
  Request& request = requests_[std::size_t(worker)];
  request.answered = engine_.now();
  cluster_.network().send(ways_[std::size_t(worker)].back, bytes_to(worker),
                          {this, &ParameterServer::on_answer, std::uint32_t(worker)});
}

void ParameterServer::received(int worker) {
  Request& request = requests_[std::size_t(worker)];
  request.received = engine_.now();
  if (log_)
    log_->message({cluster_.server_node(shard_), cluster_.worker_node(worker), bytes_to(worker), request.answered,
                   request.received});
  traffic_[std::size_t(worker)].received += bytes_to(worker);
  answers_[std::size_t(worker)].arrive();
}

}  // namespace paceline
