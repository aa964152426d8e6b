// ring: N ranks, each sends 2(N-1) chunks of S/N bytes to its right neighbour: N-1 to reduce, N-1 to gather.
// Without contention: 2(N-1) α + 2 (N-1)/N S β (Patarasuk and Yuan 2009; Thakur et al. 2005).
//
// In step s = 1 … 2(N-1) rank r sends chunk (r - s + 1) mod N and takes in chunk (r - s) mod N, which it adds while
// s < N and keeps after. A rank hands over its next chunk when that of its left neighbour has come in; chunks to one
// neighbour go one after the other, so that a late rank's neighbours catch up in order.
#include <deque>

#include "sim/comm/collectives/all_reduce.hpp"
#include "sim/comm/message.hpp"

namespace paceline::collectives {
namespace {

class Ring final : public AllReduce {
 public:
  Ring(const Group& group, double bytes) : AllReduce(group, bytes) {
    const int n = group.size();
    for (int rank = 0; rank < n; ++rank)
      inboxes_.emplace_back(group.engine, "ring inbox of rank " + std::to_string(rank));
    for (int rank = 0; rank < n; ++rank) {
      const int right = (rank + 1) % n;
      std::vector<LinkId> route;
      group.network.topology().route(group.nodes[std::size_t(rank)], group.nodes[std::size_t(right)], 0, route);
      to_right_.emplace_back(group.engine, group.network, std::move(route), inboxes_[std::size_t(right)]);
    }
  }

  Task<> member(int rank) override {
    const int n = group_.size();
    Connection& to_right = to_right_[std::size_t(rank)];
    Arrivals& left = inboxes_[std::size_t(rank)];
    Traffic& traffic = group_.traffic[std::size_t(rank)];
    for (int step = 1; step <= 2 * (n - 1); ++step) {
      to_right.send(bytes_ / n);
      traffic.sent += bytes_ / n;
      co_await left.reach(std::uint64_t(step));
      traffic.received += bytes_ / n;
      if (has_payload()) take_in(rank, step);
    }
  }

  // Every hop carries 2(N-1)/N of the bytes.
  double lower_bound() const override {
    double slowest = 0;
    for (const Connection& hop : to_right_)
      for (LinkId id : hop.route()) slowest = std::max(slowest, 1 / group_.network.topology().link(id).bandwidth);
    return 2.0 * (group_.size() - 1) / group_.size() * bytes_ * slowest;
  }

 private:
  // The neighbour's chunk stays as it was sent until it has gone all the way round, so it is read where it lies.
  void take_in(int rank, int step) {
    const int n = group_.size();
    const auto chunk = std::size_t(((rank - step) % n + n) % n), chunks = std::size_t(n);
    const std::span<float> mine = payloads_[std::size_t(rank)], theirs = payloads_[std::size_t((rank + n - 1) % n)];
    const std::size_t begin = chunk * mine.size() / chunks, end = (chunk + 1) * mine.size() / chunks;
    for (std::size_t i = begin; i < end; ++i) mine[i] = step < n ? mine[i] + theirs[i] : theirs[i];
  }

  std::deque<Arrivals> inboxes_;
  std::deque<Connection> to_right_;  // by rank
};

}  // namespace

AllReduceMaker ring(Reader& in) {
  in.about("ring all-reduce: 2(N-1) messages of S/N bytes per rank; least bytes, most messages");
  return [](const Group& group, double bytes) { return std::make_unique<Ring>(group, bytes); };
}

}  // namespace paceline::collectives
