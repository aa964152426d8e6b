// Connection: messages from one node to another on one route, in order, as on a TCP connection: the bytes of a message
// flow when those of the one before it have arrived. Latencies overlap: a message that was handed over at time r while
// the one before was under way flows from max(its arrival, r + latency).
#pragma once
#include <vector>

#include "sim/cluster/network.hpp"

namespace paceline {

class Connection {
 public:
  // The route must outlive it, and the inbox every message. The engine must be stopped before it is destroyed while
  // messages are under way; cancel() takes them back.
  Connection(Engine& engine, Network& network, std::vector<LinkId> route, Arrivals& inbox)
      : engine_(engine), network_(network), route_(std::move(route)), inbox_(inbox) {}
  Connection(const Connection&) = delete;
  ~Connection() {
    if (under_way_) network_.cancel(flow_);
  }

  const std::vector<LinkId>& route() const { return route_; }

  void send(double bytes) {
    if (under_way_) waiting_.push_back({bytes, engine_.now()});
    else launch(bytes, Span{0});
  }

 private:
  struct Message {
    double bytes;
    Time handed_over;
  };
  static void on_arrival(void* self, std::uint32_t) { static_cast<Connection*>(self)->arrived(); }
  void launch(double bytes, Span waited) {
    under_way_ = true;
    flow_ = network_.send(route_, bytes, {this, &Connection::on_arrival, 0}, 1, waited);
  }
  void arrived() {
    under_way_ = false;
    inbox_.arrive();
    if (next_ == waiting_.size()) return;
    const Message message = waiting_[next_++];
    if (next_ == waiting_.size()) waiting_.clear(), next_ = 0;
    launch(message.bytes, engine_.now() - message.handed_over);
  }

  Engine& engine_;
  Network& network_;
  std::vector<LinkId> route_;
  Arrivals& inbox_;
  FlowId flow_ = 0;
  bool under_way_ = false;
  std::vector<Message> waiting_;  // from next_ on
  std::size_t next_ = 0;
};

}  // namespace paceline
