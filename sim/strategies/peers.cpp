#include "sim/strategies/peers.hpp"

#include <fmt/format.h>

namespace paceline {
namespace {

class OnMessage final : public Blocking {
 public:
  OnMessage(const std::deque<Peers::Message>& messages, const Arrivals& arrivals, std::uint64_t number, int from)
      : messages_(messages), arrivals_(arrivals), number_(number), from_(from) {}
  void split(Time, Time to, const Spend& spend) const override {
    if (messages_.empty()) return spend(Activity::wait, to, from_);
    spend(Activity::wait, std::min(messages_.front().sent, to), from_);
    spend(Activity::communication, to, nobody);
  }
  void hand_over(Time from, Time to, Path& path) const override {
    if (from == to || arrivals_.count() < number_) return;
    path = messages_.front().path;
    path.add(Activity::communication, to);
  }

 private:
  const std::deque<Peers::Message>& messages_;
  const Arrivals& arrivals_;
  std::uint64_t number_;
  int from_;
};

class OnBytes final : public Blocking {
 public:
  void split(Time, Time to, const Spend& spend) const override { spend(Activity::communication, to, nobody); }
};

Task<> arrive(Arrivals& arrivals, std::uint64_t count) { co_await arrivals.reach(count); }

}  // namespace

Peers::Line::Line(Training& training, int of, int at)
    : arrivals(training.engine(), fmt::format("messages from worker {} to worker {}", of, at)),
      ends{&training.cluster().device(of), &training.cluster().device(at)} {}

Peers::Line::~Line() {
  for (std::uint64_t lost = arrivals.count(); lost < sent; ++lost)
    for (Device* device : ends) device->end_communication();
}

void Peers::Line::on_arrival(void* self, std::uint32_t) {
  Line& line = *static_cast<Line*>(self);
  for (Device* device : line.ends) device->end_communication();
  line.arrivals.arrive();
}

Peers::Line& Peers::line(int from, int to) {
  return lines_.try_emplace(std::uint64_t(from) << 32 | std::uint64_t(to), training_, from, to).first->second;
}

void Peers::send(int from, int to, double bytes, std::shared_ptr<const Values> values, double weight) {
  Communicator& all = training_.communicator();
  Line& line = this->line(from, to);
  line.messages.push_back({std::move(values), weight, training_.engine().now(), training_.worker(from).path()});
  ++line.sent;
  for (Device* device : line.ends) device->begin_communication();
  all.sent(from, bytes);
  all.received(to, bytes);
  all.connection(from, to).send(bytes, {&line, &Line::on_arrival, 0});
}

Task<Peers::Message> Peers::receive(Worker& me, int from) {
  Line& line = this->line(from, me.rank());
  const std::uint64_t number = ++line.taken;
  const OnMessage on(line.messages, line.arrivals, number, from);
  const Time since = training_.engine().now();
  co_await me.blocked(arrive(line.arrivals, number), on);
  Message message = std::move(line.messages.front());
  line.messages.pop_front();
  me.tell_communication("receive", from, since, training_.engine().now(), message.sent, -1);
  co_return message;
}

Task<> Peers::carry(Worker& me, int from, int to, double bytes) {
  const OnBytes on;
  const Time since = training_.engine().now();
  co_await me.blocked(carry_on(from, to, bytes), on);
  me.tell_communication("carry", -1, since, training_.engine().now(), since, bytes);
}

Task<> Peers::carry_on(int from, int to, double bytes) {
  Communicator& all = training_.communicator();
  std::vector<LinkId> way;
  all.route(from, to, way);
  all.sent(from, bytes);
  const Device::Communication sending(training_.cluster().device(from)), receiving(training_.cluster().device(to));
  co_await training_.cluster().network().transfer(way, bytes);
  all.received(to, bytes);
}

}  // namespace paceline
