// Network: directed links that flows share fairly.
//
// A transfer of S bytes waits the sum of its links' latencies, then its bytes flow at the weighted
// max-min fair rate:  finish = now + max(1 ps, round(remaining / rate)).
// An empty route takes no time, zero bytes take the latencies alone. Rates are computed once an
// instant, at its end, where flows started or ended (see fair_share.hpp); remaining bytes and the
// finish are brought up to date only when a rate changes.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "sim/cluster/fair_share.hpp"
#include "sim/cluster/topology.hpp"
#include "sim/core/arrivals.hpp"

namespace paceline {

class Network final : public Waitable {
 public:
  // What is called when a transfer has arrived.
  struct Delivery {
    void* target;
    Agenda::Call call;
    std::uint32_t what;
  };
  struct Statistics {
    std::uint64_t transfers = 0, solves = 0, new_rates = 0;
  };
  // In bytes; sent = received + cancelled + in_flight. `moved` says the same by another way: the
  // integral of all rates over time, which is `received` to half a tick (at least one) a finish.
  struct Totals {
    double sent = 0;
    double received = 0;   // of arrived transfers; of others, what they had carried when settled
    double cancelled = 0;  // what was not carried when they were cancelled
    double in_flight = 0;  // what was not carried at the last settle()
    double moved = 0;
  };
  class Transfer;

  // The topology must outlive the network.
  Network(Engine& engine, const Topology& topology);
  ~Network();

  // Sends; calls the delivery on arrival. Returns the flow, which is valid until then.
  // Throws std::logic_error for bytes or a weight that are no amount, or a route that is too long. Of the latency what
  // it has `waited` behind another on its connection is already past.
  FlowId send(std::span<const LinkId> route, double bytes, Delivery delivery, double weight = 1,
              Span waited = Span{0}) {
    return launch(route, bytes, weight, waited, delivery.target, delivery.call, delivery.what);
  }
  FlowId send(std::span<const LinkId> route, double bytes, Arrivals& arrivals, double weight = 1) {
    return launch(route, bytes, weight, Span{0}, &arrivals, &Network::on_arrival, 0);
  }
  static Delivery to(Arrivals& arrivals) { return {&arrivals, &Network::on_arrival, 0}; }

  // Awaitable: sends when awaited, resumes the caller on arrival. Destroying it cancels the flow.
  // The route must live until it is awaited.
  Transfer transfer(std::span<const LinkId> route, double bytes, double weight = 1);

  // Takes a flow back; what it has carried is lost.
  void cancel(FlowId flow);

  // Changes a link from now on; flows on it get new rates at the end of this instant. Bandwidth 0: it
  // is down, and its flows wait. Latency applies to what is sent from now on.
  void set_link(LinkId link, LinkSpec spec);
  // Of a message without bytes on a route.
  Span latency(std::span<const LinkId> route) const;
  // Bytes a second that a link carries when nothing has happened to it.
  double topology_bandwidth(LinkId link) const {
    const LinkSpec spec = topology_.link(link);
    return spec.bandwidth * spec.efficiency;
  }
  LinkSpec link(LinkId link) const { return {shares_.capacity(link) * 1e12, latency_[link]}; }

  bool is_flowing(FlowId flow) const { return flow < flows_.size() && flows_[flow].state == State::flowing; }
  double rate(FlowId flow) const { return shares_.rate(flow) * 1e12; }  // bytes a second, of one that flows
  std::size_t flow_numbers() const { return flows_.size(); }            // all flows are below

  // Accounts for what flows under way have carried so far.
  void settle();
  double carried(LinkId link) const { return shares_.carried(link); }  // bytes, up to the last settle()
  double peak(LinkId link) const { return shares_.peak(link); }        // highest load over capacity
  const Totals& totals() const { return totals_; }                     // up to the last settle()
  const Statistics& statistics() const { return statistics_; }
  const FairShare& shares() const { return shares_; }
  const Topology& topology() const { return topology_; }

  void waiters(std::vector<Waiter>& out) const override;

 private:
  static constexpr FlowId none = ~0u;
  enum class State : std::uint32_t { free, latent, flowing };
  struct Flow {            // one cache line
    double remaining = 0;  // bytes, at the time `updated`
    double unsettled = 0;  // bytes that are not accounted for
    double rate = 0;       // bytes a picosecond, since then
    Time updated{};
    void* target = nullptr;
    Agenda::Call call = nullptr;
    std::uint32_t what = 0;     // or the next free number
    Engine::Ticket ticket = 0;  // of the start, then of the finish
    State state = State::free;
  };

  static void on_arrival(void* arrivals, std::uint32_t) { static_cast<Arrivals*>(arrivals)->arrive(); }
  static void on_start(void* self, std::uint32_t flow) { static_cast<Network*>(self)->start(flow); }
  static void on_finish(void* self, std::uint32_t flow) { static_cast<Network*>(self)->finish(flow); }
  static void on_instant_end(void* self, std::uint32_t) { static_cast<Network*>(self)->solve(); }

  // A delivery goes as scalars, for the reason given in agenda.hpp.
  FlowId launch(std::span<const LinkId> route, double bytes, double weight, Span waited, void* target,
                Agenda::Call call, std::uint32_t what);
  void start(FlowId id);
  void finish(FlowId id);
  void remove(FlowId id, double carried);
  void progress(Flow& flow);
  void solve_later();
  void solve();
  void new_rate(FlowId id);

  const Topology& topology_;
  FairShare shares_;
  std::vector<Span> latency_;
  std::vector<Flow> flows_;
  FlowId free_ = none;
  bool solve_pending_ = false;
  Totals totals_;
  Statistics statistics_;
};

class [[nodiscard]] Network::Transfer {
 public:
  Transfer(Network& network, std::span<const LinkId> route, double bytes, double weight)
      : network_(network), route_(route), bytes_(bytes), weight_(weight) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    if (flow_ != none) network_.cancel(flow_);
  }
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> who) {
    flow_ = network_.send(route_, bytes_, {this, &Transfer::on_end, 0}, weight_);
    who_ = who;
    frame_ = frame_of(who);
  }
  void await_resume() const noexcept {}

 private:
  friend class Network;
  static void on_end(void* self, std::uint32_t) {
    Transfer& transfer = *static_cast<Transfer*>(self);
    transfer.flow_ = none;
    transfer.who_.resume();
  }
  Network& network_;
  std::span<const LinkId> route_;
  double bytes_, weight_;
  FlowId flow_ = none;
  std::coroutine_handle<> who_;
  const Frame* frame_ = nullptr;
};

inline Network::Transfer Network::transfer(std::span<const LinkId> route, double bytes, double weight) {
  return Transfer(*this, route, bytes, weight);
}

}  // namespace paceline
