// Connection: messages from one node to another on one route, in order, as on a TCP connection: the bytes of a message
// flow when those of the one before it have arrived. Latencies overlap: a message that was handed over at time r while
// the one before was under way flows from max(its arrival, r + latency).
#pragma once
#include <vector>

#include "sim/cluster/network.hpp"
#include "sim/core/record.hpp"

namespace paceline {

class Connection {
 public:
  // Between two nodes on a route. `log`, if given, hears of every message. The engine must be stopped before it is
  // destroyed while messages are under way.
  Connection(Engine& engine, Network& network, int from, int to, std::vector<LinkId> route, Sink* log)
      : engine_(engine), network_(network), from_(from), to_(to), route_(std::move(route)), log_(log) {}
  Connection(const Connection&) = delete;
  ~Connection() { reset(); }

  // Takes back all messages that have not arrived; nobody hears of them.
  void reset() {
    if (std::exchange(under_way_, false)) network_.cancel(flow_);
    waiting_.clear();
    next_ = 0;
  }

  // Tells the log of those that have not arrived.
  void tell_under_way() const {
    if (!log_) return;
    const auto tell = [this](const Message& message) {
      log_->message({from_, to_, message.bytes, message.handed_over, Time::max()});
    };
    if (under_way_) tell(current_);
    for (std::size_t i = next_; i < waiting_.size(); ++i) tell(waiting_[i]);
  }

  // Hands a message over. On its arrival the delivery is called; its target must live until then.
  void send(double bytes, Network::Delivery delivery) {
    const Message message{bytes, engine_.now(), delivery};
    if (under_way_) waiting_.push_back(message);
    else launch(message);
  }

 private:
  struct Message {
    double bytes;
    Time handed_over;
    Network::Delivery delivery;
  };
  static void on_arrival(void* self, std::uint32_t) { static_cast<Connection*>(self)->arrived(); }
  void launch(const Message& message) {
    under_way_ = true;
    current_ = message;
    flow_ = network_.send(route_, message.bytes, {this, &Connection::on_arrival, 0}, 1,
                          engine_.now() - message.handed_over);
  }
  void arrived() {
    under_way_ = false;
    if (log_) log_->message({from_, to_, current_.bytes, current_.handed_over, engine_.now()});
    current_.delivery.call(current_.delivery.target, current_.delivery.what);
    if (under_way_ || next_ == waiting_.size()) return;
    const Message message = waiting_[next_++];
    if (next_ == waiting_.size()) waiting_.clear(), next_ = 0;
    launch(message);
  }

  Engine& engine_;
  Network& network_;
  const int from_, to_;  // nodes
  std::vector<LinkId> route_;
  Sink* log_;
  FlowId flow_ = 0;
  bool under_way_ = false;
  Message current_{};
  std::vector<Message> waiting_;  // from next_ on
  std::size_t next_ = 0;
};

}  // namespace paceline
