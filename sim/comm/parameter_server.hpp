// ParameterServer: one shard's queue of requests, and the way there and back. A request is a worker's push; its answer
// is the pull. Requests are taken one at a time in the order (arrival time, worker index), in the second phase of an
// instant, so that of simultaneous arrivals the lowest worker is first. What is done with them is the strategy's.
#pragma once
#include <deque>
#include <functional>
#include <vector>

#include "sim/cluster/cluster.hpp"
#include "sim/comm/communicator.hpp"
#include "sim/core/sync.hpp"

namespace paceline {

// The times of a worker's request to one shard; those that have not come yet are Time::max().
struct Request {
  int worker = 0;
  Time sent{}, arrived = Time::max(), served = Time::max(), all_in = Time::max(), answered = Time::max(),
               received = Time::max();
  std::uint64_t round = 0;  // requests taken by the server before it arrived
};

class ParameterServer {
 public:
  // `bytes`: of the shard, each way. `answers[w]` is raised when worker w has an answer; traffic is by worker.
  ParameterServer(Engine& engine, Cluster& cluster, int shard, double bytes, std::deque<Arrivals>& answers,
                  std::span<Traffic> traffic, Sink* log);

  // The worker's side: sends; it has one request under way at a time.
  void send(int worker);
  const Request& request(int worker) const { return requests_[std::size_t(worker)]; }

  // The server's side: waits for the next request, then for its service; gives its worker.
  Task<int> next();
  // Says that the request which was taken last has been dealt with: from now on its worker is held, or answered.
  void done(int worker) { requests_[std::size_t(worker)].served = engine_.now(); }
  // Says that the answer does not wait for other workers any more.
  void all_in(int worker) { requests_[std::size_t(worker)].all_in = engine_.now(); }
  void answer(int worker);

 private:
  struct Way {
    std::vector<LinkId> there, back;
  };
  static void on_arrival(void* self, std::uint32_t worker) { static_cast<ParameterServer*>(self)->arrive(int(worker)); }
  static void on_answer(void* self, std::uint32_t worker) {
    static_cast<ParameterServer*>(self)->received(int(worker));
  }
  // Nothing crosses a wire when the worker sits on the server's node.
  double bytes_to(int worker) const {
    return cluster_.worker_node(worker) == cluster_.server_node(shard_) ? 0 : bytes_;
  }
  void arrive(int worker);
  void received(int worker);

  Engine& engine_;
  Cluster& cluster_;
  int shard_;
  double bytes_;
  std::deque<Arrivals>& answers_;
  std::span<Traffic> traffic_;
  Sink* log_;
  std::vector<Way> ways_;          // by worker
  std::vector<Request> requests_;  // by worker
  std::vector<int> arrived_;       // workers whose requests wait
  Counter arrivals_;
  std::uint64_t taken_ = 0;
};

}  // namespace paceline
