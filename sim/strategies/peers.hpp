// Peers: messages of parameters from worker to worker. Time blocked on one is wait until it is sent, then
// communication.
#pragma once
#include <array>
#include <deque>
#include <memory>
#include <unordered_map>

#include "sim/strategies/training.hpp"
#include "sim/strategies/worker.hpp"

namespace paceline {

class Peers {
 public:
  struct Message {
    std::shared_ptr<const Values> values;  // null without numerics
    double weight = 1;
    Time sent{};
    Path path;  // of its sender, at that time
  };

  explicit Peers(Training& training) : training_(training) {}

  // Does not wait.
  void send(int from, int to, double bytes, std::shared_ptr<const Values> values, double weight = 1);
  // The next message from a peer, in order.
  Task<Message> receive(Worker& me, int from);
  // Bytes from one to the other; the worker is blocked until they have arrived.
  Task<> carry(Worker& me, int from, int to, double bytes);

 private:
  struct Line {
    Line(Training& training, int from, int to);
    ~Line();
    static void on_arrival(void* self, std::uint32_t);
    std::deque<Message> messages;  // sent, not received
    Arrivals arrivals;
    std::uint64_t sent = 0, taken = 0;
    std::array<Device*, 2> ends;  // of those who send and receive
  };
  Line& line(int from, int to);
  Task<> carry_on(int from, int to, double bytes);

  Training& training_;
  std::unordered_map<std::uint64_t, Line> lines_;
};

}  // namespace paceline
