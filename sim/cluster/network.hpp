// Network: directed links that flows share fairly.
//
// A message of S bytes waits
//     max(0, sum of its links' latencies - what it has waited behind another) + sum of its overheads,
// then its bytes flow at the weighted max-min fair rate (see fair_share.hpp) of the links on its route; a link has room
// for bandwidth * efficiency of them. It ends at the nearest tick, at least one after it began. An empty route takes no
// time, zero bytes take the wait alone. Rates are computed once an instant, at its end, where flows started or ended.
// Flows of one bottleneck are on one virtual clock (see virtual_time.hpp) and have one alarm; a flow that is alone on
// its links has an alarm of its own until another joins it.
//
// Sharing noise: the weight of a flow is multiplied by exp(sigma z), z standard normal, by the flow's ordinal, drawn
// anew at every multiple of an interval; without it flows that are alike stay in step for ever, which real ones never
// do.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "sim/cluster/fair_share.hpp"
#include "sim/cluster/topology.hpp"
#include "sim/cluster/virtual_time.hpp"
#include "sim/core/arrivals.hpp"
#include "sim/core/record.hpp"

namespace paceline {

struct NetworkOptions {
  Span per_message_overhead{0};     // of every message, besides its links'
  double bandwidth_efficiency = 1;  // payload over wire bytes, besides its links'
  double bandwidth_factor = 1;      // on the bandwidth of every link
  double sharing_noise = 0;         // sigma
  Span sharing_interval{0};         // 0: a flow's weight is drawn once
  std::uint64_t seed = 0;
};

class Network final : public Waitable {
 public:
  // What is called when a transfer has arrived.
  struct Delivery {
    void* target;
    Agenda::Call call;
    std::uint32_t what;
  };
  struct Statistics {
    std::uint64_t transfers = 0, solves = 0;
    std::uint64_t rerouted = 0, held = 0;   // flows that took a detour, or had to wait, because a link was down
    std::uint64_t placed = 0, leveled = 0;  // flows that came to another bottleneck; changes of a bottleneck's level
  };
  // In bytes; sent = received + cancelled + in_flight. `moved` says the same by another way: the
  // integral of all rates over time, which is `received` to half a tick (at least one) a finish.
  struct Totals {
    double sent = 0;
    double received = 0;   // of arrived transfers; of others, what they had carried when settled
    double cancelled = 0;  // what was not carried when they were cancelled
    double in_flight = 0;  // what was not carried at the last settle()
    double moved = 0;
    Totals& operator+=(const Totals& other);
  };
  enum class Owner : std::uint8_t { workers, background };  // background traffic is counted on its own, and is idle
  class Transfer;

  // The topology must outlive the network.
  Network(Engine& engine, const Topology& topology, const NetworkOptions& options = {});
  ~Network();

  // Sends; calls the delivery on arrival. Returns the flow, which is valid until then.
  // Throws std::logic_error for bytes or a weight that are no amount, or a route that is too long. Of the latency what
  // it has `waited` behind another on its connection is already past.
  FlowId send(std::span<const LinkId> route, double bytes, Delivery delivery, double weight = 1, Span waited = Span{0},
              Owner owner = Owner::workers) {
    return launch(route, bytes, weight, waited, delivery.target, delivery.call, delivery.what, owner);
  }
  FlowId send(std::span<const LinkId> route, double bytes, Arrivals& arrivals, double weight = 1) {
    return launch(route, bytes, weight, Span{0}, &arrivals, &Network::on_arrival, 0, Owner::workers);
  }
  static Delivery to(Arrivals& arrivals) { return {&arrivals, &Network::on_arrival, 0}; }

  // Awaitable: sends when awaited, resumes the caller on arrival. Destroying it cancels the flow.
  // The route must live until it is awaited.
  Transfer transfer(std::span<const LinkId> route, double bytes, double weight = 1);

  // Takes a flow back; what it has carried is lost.
  void cancel(FlowId flow);

  // Changes a link from now on; flows on it get new rates at the end of this instant. Bandwidth 0: it is down; its
  // flows and new ones take a detour, where the topology knows one, and keep to it; else they are held until it is up
  // again. Latency and overhead apply to what is sent from now on.
  void set_link(LinkId link, const LinkSpec& spec);
  std::uint64_t changes() const { return changes_; }  // of links, so far
  const LinkSpec& link(LinkId link) const { return specs_[link]; }
  double capacity(LinkId link) const { return shares_.capacity(link) * 1e12; }  // payload bytes a second
  // Of a message without bytes on a route.
  Span latency(std::span<const LinkId> route) const;
  // Payload bytes a second of a link to which nothing has happened.
  double nominal_capacity(LinkId link) const { return payload_rate(topology_.link(link)) * 1e12; }

  bool is_flowing(FlowId flow) const { return flow < flows_.size() && flows_[flow].state >= State::flowing; }
  double rate(FlowId flow) const { return shares_.rate(flow) * 1e12; }  // bytes a second, of one that flows
  std::size_t flow_numbers() const { return flows_.size(); }            // all flows are below

  // Accounts for what flows under way have carried so far.
  void settle();
  // Who hears of the times in which links are busy, from now on, once they are over for good.
  void watch(Timeline& timeline) {
    timeline_ = &timeline;
    busy_times_.resize(uses_.size());
  }
  // The last ones end for who watches. After settle().
  void end_busy_times();
  double carried(LinkId link) const { return uses_[link].carried; }  // bytes, up to the last settle()
  double peak(LinkId link) const { return shares_.peak(link); }      // highest load over capacity
  Span busy(LinkId link) const { return uses_[link].busy; }          // time with a flow on it; the same
  double mean_flows(LinkId link) const {                             // while it was busy; the same
    const Use& use = uses_[link];
    return use.busy > Span{0} ? use.flow_time / double(use.busy.count()) : 0;
  }
  // bytes that it could have carried so far
  double offered(LinkId link) const {
    const Offer& offer = offers_[link];
    return offer.bytes + shares_.capacity(link) * double((engine_time() - offer.resized).count());
  }
  const Totals& background() const { return background_; }
  const Totals& totals() const { return totals_; }  // up to the last settle()
  const Statistics& statistics() const { return statistics_; }
  const FairShare& shares() const { return shares_; }
  const Topology& topology() const { return topology_; }

  void waiters(std::vector<Waiter>& out) const override;
  void faults(std::vector<std::string>& out) const override;

 private:
  static constexpr FlowId none = ~0u;
  enum class State : std::uint8_t { free, latent, flowing, alone };  // alone: flowing, its rate is known
  struct Flow {                                                      // one cache line
    double amount = 0;     // where it ends on its clock; without one, bytes, if it is alone those left at `since`
    double unsettled = 0;  // bytes that are not accounted for
    void* target = nullptr;
    Agenda::Call call = nullptr;
    std::uint64_t order = 0;  // ordinal << flow_bits | number
    Time since{};
    LinkId bottleneck = none;   // whose clock it is on
    std::uint32_t what = 0;     // or the next free number
    Engine::Ticket ticket = 0;  // of the start, or the end of one that is alone
    State state = State::free;
    Owner owner = Owner::workers;
    bool held = false;
  };
  struct alignas(32) Use {  // of a link
    double carried = 0;
    double flow_time = 0;  // sum of its flows' times, in picoseconds
    Span busy{0};
    Time since{};  // until when these two are known; or it was idle
  };
  struct Offer {
    double bytes = 0;  // until it was resized
    Time resized{};
  };
  struct alignas(64) Group {  // the flows that are bottlenecked at a link
    VirtualTime clock;
    Engine::Ticket alarm = 0;
    std::uint32_t workers = 0;  // flows that are theirs; without any the alarm is idle
    bool stale = false;         // the alarm is to be set anew
  };

  static void on_arrival(void* arrivals, std::uint32_t) { static_cast<Arrivals*>(arrivals)->arrive(); }
  static void on_start(void* self, std::uint32_t flow) { static_cast<Network*>(self)->start(flow); }
  static void on_finish(void* self, std::uint32_t flow) { static_cast<Network*>(self)->finish(flow); }
  static void on_alarm(void* self, std::uint32_t link) { static_cast<Network*>(self)->ring(link); }
  static void on_redraw(void* self, std::uint32_t) { static_cast<Network*>(self)->redraw(); }
  static void on_instant_end(void* self, std::uint32_t) { static_cast<Network*>(self)->solve(); }

  // A delivery goes as scalars, for the reason given in agenda.hpp.
  double payload_rate(const LinkSpec& spec) const;  // bytes a picosecond
  FlowId launch(std::span<const LinkId> route, double bytes, double weight, Span waited, void* target,
                Agenda::Call call, std::uint32_t what, Owner owner);
  void start(FlowId id);
  void begin(FlowId id);
  void finish(FlowId id);
  void remove(FlowId id, double rest);
  void take_off(FlowId id, double carried);
  void account(LinkId link, Time now) {  // what its flows did until now
    Use& use = uses_[link];
    const Span time = now - std::exchange(use.since, now);
    if (const std::uint32_t flows = shares_.flows(link); flows > 0) {
      use.flow_time += flows * double(time.count());
      use.busy += time;
    }
  }
  void becomes_busy(LinkId link);
  void becomes_idle(LinkId link);
  void tell_busy(LinkId link);
  Totals& totals_of(const Flow& flow) { return flow.owner == Owner::workers ? totals_ : background_; }
  Time engine_time() const { return engine_lives() ? engine().now() : Time{}; }
  bool is_blocked(std::span<const LinkId> route) const;
  bool find_detour(std::span<const LinkId> route);
  void reroute(FlowId id);
  void reroute_all();
  double left(FlowId id) const;
  void begin_alone(FlowId id);
  void end_alone(FlowId id);
  void detach(FlowId id);
  void attach(FlowId id);
  void ring(LinkId link);
  void set_alarm(LinkId link);
  Engine::Ticket alarm_in(double ticks, LinkId link, bool idle);
  void make_stale(LinkId link);
  void solve_later();
  void solve();
  double noise(const Flow& flow, std::uint64_t draw) const;
  void redraw_later();
  void redraw();

  const Topology& topology_;
  NetworkOptions options_;
  const bool noisy_, redraws_;  // weights, once or at every interval
  FairShare shares_;
  std::vector<LinkSpec> specs_;
  std::vector<Use> uses_;
  std::vector<Offer> offers_;
  std::vector<Group> groups_;  // by link
  std::vector<Flow> flows_;
  std::vector<double> base_weights_;  // by flow, without noise; empty where there is none
  VirtualTime::Places places_;
  std::vector<LinkId> stale_;
  FlowId free_ = none;
  std::uint64_t ordinal_ = 0;
  Engine::Ticket redraw_ = 0;
  bool solve_pending_ = false;
  std::uint32_t down_ = 0;       // links
  bool routes_changed_ = false;  // a link went down or came up in this instant
  std::vector<LinkId> detour_;
  std::vector<int> node_at_;  // by vertex: itself, or one that enters the network there; empty until a link is down
  Totals totals_, background_;
  Timeline* timeline_ = nullptr;
  struct BusyTime {  // of a link, the latest
    Time from{}, until{};
    double carried_before = 0, carried = 0;
  };
  std::vector<BusyTime> busy_times_;  // by link, where somebody watches
  std::uint64_t changes_ = 0;
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
