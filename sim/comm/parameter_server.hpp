// ParameterServer: one shard's queue of requests, and the way there and back. A request is a worker's push; the answer
// is parameters, to a worker that has asked or to one that has not. Requests are taken one at a time in the order
// (arrival time, worker index), in the second phase of an instant, so that of simultaneous arrivals the lowest worker
// is first. What is done with them is the strategy's.
#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "sim/cluster/cluster.hpp"
#include "sim/comm/communicator.hpp"
#include "sim/core/sync.hpp"

namespace paceline {

// The times of a worker's latest request to one shard; those that have not come yet are Time::max().
struct Request {
  std::uint64_t ticket = 0;  // requests sent so far
  Time sent{}, arrived = Time::max(), served = Time::max(), all_in = Time::max(), answered = Time::max(),
               received = Time::max();
};

class ParameterServer {
 public:
  using Slot = std::uint32_t;  // of a request, until it is taken or withdrawn
  struct Taken {
    int worker;
    Slot slot;
    Time arrived;
    bool waited_for;  // the server has done nothing since it last waited that came to something
  };

  // `bytes`: of an answer. `received(w)` is called when worker w has an answer; traffic is by worker.
  ParameterServer(Engine& engine, Cluster& cluster, int shard, double bytes, std::function<void(int worker)> received,
                  std::span<Traffic> traffic, Sink* log);

  // Who hears of its queue and its services.
  void watch(Timeline* timeline) { timeline_ = timeline; }
  // Tells the log of messages that have not arrived.
  void tell_under_way() const;

  // The worker's side: sends so many bytes, once all that it has sent before have arrived.
  Slot send(int worker, double bytes);
  // Takes back all that a worker has sent and that was not taken yet; gives their slots.
  std::vector<Slot> withdraw(int worker);
  // Takes back the answers that are on their way to a worker.
  void withhold(int worker);
  const Request& request(int worker) const { return requests_[std::size_t(worker)]; }

  // The server's side: waits for the next request, then for its service.
  Task<Taken> next();
  // Says that a worker's request which was taken has been dealt with: from now on the worker is held, or answered.
  void done(int worker) { requests_[std::size_t(worker)].served = engine_.now(); }
  // Says that the answer does not wait for other workers any more.
  void all_in(int worker) { requests_[std::size_t(worker)].all_in = engine_.now(); }
  void answer(int worker);
  // Forgets the queue and takes back all answers that are under way. Nobody may wait in next(); all workers have
  // withdrawn.
  void restart();

 private:
  struct Way {
    std::vector<LinkId> there, back;
  };
  struct Push {
    int worker = 0;
    std::uint64_t ticket = 0;
    double bytes = 0;
    Time sent{}, arrived = Time::max();
    std::uint64_t round = 0;  // requests taken by the server before it arrived
    FlowId flow = 0;
    bool launched = false, withdrawn = false;
  };
  struct Answer {
    int worker = 0;
    FlowId flow = 0;
    bool under_way = false;
  };
  static void on_arrival(void* self, std::uint32_t slot) { static_cast<ParameterServer*>(self)->arrive(slot); }
  static void on_answer(void* self, std::uint32_t slot) { static_cast<ParameterServer*>(self)->receive(slot); }
  // Nothing crosses a wire when the worker sits on the server's node.
  double on_wire(int worker, double bytes) const {
    return cluster_.worker_node(worker) == cluster_.server_node(shard_) ? 0 : bytes;
  }
  void launch(Slot slot);
  void arrive(Slot slot);
  void receive(Slot slot);
  void release(Slot slot);
  void withhold_if(const std::function<bool(const Answer&)>& which);

  Engine& engine_;
  Cluster& cluster_;
  int shard_;
  double bytes_;
  std::function<void(int)> received_;
  std::span<Traffic> traffic_;
  Sink* log_;
  Timeline* timeline_ = nullptr;
  std::vector<Way> ways_;          // by worker
  std::vector<Request> requests_;  // by worker
  std::vector<Push> pushes_;       // by slot
  std::vector<Slot> free_;
  std::vector<Answer> answers_;  // by slot of their own
  std::vector<Slot> free_answers_;
  std::vector<std::vector<Slot>> open_;  // by worker
  std::vector<Slot> arrived_;            // in order of arrival
  Counter arrivals_;
  std::uint64_t tickets_ = 0, begun_ = 0, taken_ = 0, served_ = 0;  // sent, asked for, taken, served requests
  std::optional<Slot> serving_;
};

}  // namespace paceline
