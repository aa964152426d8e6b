// Connection: messages from one node to another on one route, in order, as on a TCP connection: the bytes of a message
// flow when those of the one before it have arrived. Latencies overlap: a message that was handed over at time r while
// the one before was under way flows from max(its arrival, r + latency).
#pragma once
#include <vector>

#include "sim/cluster/network.hpp"

namespace paceline {

class Connection {
 public:
  // The engine must be stopped before it is destroyed while messages are under way.
  Connection(Engine& engine, Network& network, std::vector<LinkId> route)
      : engine_(engine), network_(network), route_(std::move(route)) {}
  Connection(const Connection&) = delete;
  ~Connection() {
    if (under_way_) network_.cancel(flow_);
  }

  // Hands a message over. On its arrival the delivery is called; its target must live until then.
  void send(double bytes, Network::Delivery delivery) {
    if (under_way_) waiting_.push_back({bytes, engine_.now(), delivery});
    else launch(bytes, delivery, Span{0});
  }

 private:
  struct Message {
    double bytes;
    Time handed_over;
    Network::Delivery delivery;
  };
  static void on_arrival(void* self, std::uint32_t) { static_cast<Connection*>(self)->arrived(); }
  void launch(double bytes, Network::Delivery delivery, Span waited) {
    under_way_ = true;
    delivery_ = delivery;
    flow_ = network_.send(route_, bytes, {this, &Connection::on_arrival, 0}, 1, waited);
  }
  void arrived() {
    under_way_ = false;
    delivery_.call(delivery_.target, delivery_.what);
    if (next_ == waiting_.size()) return;
    const Message message = waiting_[next_++];
    if (next_ == waiting_.size()) waiting_.clear(), next_ = 0;
    launch(message.bytes, message.delivery, engine_.now() - message.handed_over);
  }

  Engine& engine_;
  Network& network_;
  std::vector<LinkId> route_;
  FlowId flow_ = 0;
  bool under_way_ = false;
  Network::Delivery delivery_{};
  std::vector<Message> waiting_;  // from next_ on
  std::size_t next_ = 0;
};

}  // namespace paceline
