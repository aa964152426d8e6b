// Network: see network.hpp for what a transfer costs.
#include "sim/cluster/network.hpp"

#include <fmt/format.h>

#include <cmath>

#include "sim/core/random.hpp"

namespace paceline {

namespace {
[[noreturn]] void reject(std::size_t links, std::size_t longest, double bytes, double weight) {
  if (links > longest)
    throw std::logic_error(fmt::format("send: a route of {} links, but the topology's longest has {}", links, longest));
  throw std::logic_error(fmt::format("send: {} bytes of weight {} cannot be sent", bytes, weight));
}
}  // namespace

Network::Network(Engine& engine, const Topology& topology, const NetworkOptions& options)
    : Waitable(engine),
      topology_(topology),
      options_(options),
      shares_(std::max(topology.longest_route(), topology.longest_detour())),
      uses_(topology.links()),
      groups_(topology.links()) {
  for (LinkId id = 0; id < topology.links(); ++id) {
    specs_.push_back(topology.link(id));
    uses_[id].latency = specs_[id].latency;
    uses_[id].overhead = specs_[id].overhead;
    shares_.add_link(payload_rate(specs_[id]));
  }
}

Network::~Network() {
  if (!engine_lives()) return;
  engine().forget(this);
  engine().unschedule(redraw_);
  for (const Group& group : groups_) engine().unschedule(group.alarm);
  for (const Flow& flow : flows_) {
    if (flow.state == State::free) continue;
    engine().unschedule(flow.ticket);
    if (flow.call == &Transfer::on_end) static_cast<Transfer*>(flow.target)->flow_ = none;
  }
}

Network::Totals& Network::Totals::operator+=(const Totals& other) {
  sent += other.sent;
  received += other.received;
  cancelled += other.cancelled;
  in_flight += other.in_flight;
  moved += other.moved;
  return *this;
}

double Network::payload_rate(const LinkSpec& spec) const {
  return spec.bandwidth * spec.efficiency * options_.bandwidth_efficiency * 1e-12;
}

FlowId Network::launch(std::span<const LinkId> route, double bytes, double weight, Span waited, void* target,
                       Agenda::Call call, std::uint32_t what, Owner owner) {
  if (route.size() > shares_.longest_route() || !(bytes >= 0 && bytes < 1e300) || !(weight > 0 && weight < 1e300))
    reject(route.size(), topology_.longest_route(), bytes, weight);
  if (down_ > 0 && is_blocked(route) && find_detour(route)) {
    ++statistics_.rerouted;
    route = detour_;
  }
  FlowId id = free_;
  if (id != none) {
    free_ = flows_[id].what;
  } else {
    id = FlowId(flows_.size());
    if (id >> VirtualTime::flow_bits) throw std::length_error("send: more than 2^24 transfers are under way");
    flows_.emplace_back();
    places_.emplace_back();
  }
  Flow& flow = flows_[id];
  flow.amount = flow.unsettled = bytes;
  flow.target = target;
  flow.call = call;
  flow.order = ordinal_++ << VirtualTime::flow_bits | id;
  flow.bottleneck = none;
  flow.what = what;
  flow.state = State::latent;
  flow.owner = owner;
  flow.held = false;
  Span latency = -waited, overhead = route.empty() ? Span{0} : options_.per_message_overhead;
  for (const LinkId link : route) {
    latency += uses_[link].latency;
    overhead += uses_[link].overhead;
  }
  latency = std::max(latency, Span{0}) + overhead;
  if (options_.sharing_noise > 0) {
    if (id >= base_weights_.size()) base_weights_.resize(id + 1);
    base_weights_[id] = weight;
    weight *= noise(flow, 0);
  }
  shares_.set_route(id, route, weight);
  const bool flows = bytes > 0 && !route.empty();
  flow.ticket = engine().schedule(later(engine().now(), latency), this,
                                  flows ? &Network::on_start : &Network::on_finish, id, owner == Owner::background);
  ++statistics_.transfers;
  totals_of(flow).sent += bytes;
  return id;
}

Span Network::latency(std::span<const LinkId> route) const {
  Span sum = route.empty() ? Span{0} : options_.per_message_overhead;
  for (const LinkId link : route) sum += uses_[link].latency + uses_[link].overhead;
  return sum;
}

void Network::start(FlowId id) {
  flows_[id].ticket = 0;
  flows_[id].state = State::flowing;
  if (down_ > 0 && is_blocked(shares_.route(id))) reroute(id);
  begin(id);
  redraw_later();
  solve_later();
}

void Network::begin(FlowId id) {
  flows_[id].since = engine().now();
  for (const LinkId link : shares_.route(id))
    if (shares_.flows(link) == 0) uses_[link].since = flows_[id].since;
  shares_.join(id);
}

// Bytes that are still to be carried; below 0 by half a tick's at most.
double Network::left(FlowId id) const {
  const Flow& flow = flows_[id];
  if (flow.bottleneck == none) return flow.amount;
  return (flow.amount - groups_[flow.bottleneck].clock.at(engine().now())) * shares_.weight(id);
}

// Takes a flow off its bottleneck's clock.
void Network::detach(FlowId id) {
  Flow& flow = flows_[id];
  const LinkId bottleneck = flow.bottleneck;
  if (bottleneck == none) return;
  flow.amount = std::max(left(id), 0.0);
  flow.bottleneck = none;
  Group& group = groups_[bottleneck];
  const bool first = group.clock.first() == id;
  group.clock.remove(id, places_);
  if (flow.owner == Owner::workers && --group.workers == 0 && !group.clock.empty()) make_stale(bottleneck);
  if (!first) return;
  engine().unschedule(std::exchange(group.alarm, 0));
  if (!group.clock.empty()) make_stale(bottleneck);
}

// Puts it on that of its bottleneck of now.
void Network::attach(FlowId id) {
  Flow& flow = flows_[id];
  flow.bottleneck = shares_.bottleneck(id);
  VirtualTime& clock = groups_[flow.bottleneck].clock;
  const Time now = engine().now();
  if (clock.empty()) clock.set_level(shares_.level(flow.bottleneck), now);
  flow.amount = clock.at(now) + flow.amount / shares_.weight(id);
  clock.add(flow.amount, flow.order, places_);
  const bool idle = groups_[flow.bottleneck].workers == 0;
  if (flow.owner == Owner::workers) ++groups_[flow.bottleneck].workers;
  if (clock.first() == id || (idle && flow.owner == Owner::workers)) make_stale(flow.bottleneck);
}

void Network::finish(FlowId id) {
  const Flow& flow = flows_[id];
  void* const target = flow.target;
  const Agenda::Call call = flow.call;
  const std::uint32_t what = flow.what;
  totals_of(flow).moved += flow.unsettled - (flow.state == State::flowing ? left(id) : 0);
  remove(id, 0);
  call(target, what);
}

void Network::cancel(FlowId id) {
  if (engine_lives()) engine().unschedule(flows_[id].ticket);
  const double rest = std::clamp(left(id), 0.0, flows_[id].unsettled);
  totals_of(flows_[id]).moved += flows_[id].unsettled - rest;
  totals_of(flows_[id]).cancelled += rest;
  remove(id, rest);
}

void Network::remove(FlowId id, double rest) {
  Flow& flow = flows_[id];
  const double carried = flow.unsettled - rest;
  totals_of(flow).received += carried;
  if (flow.state == State::flowing) {
    const LinkId bottleneck = flow.bottleneck;
    const bool first = bottleneck != none && groups_[bottleneck].clock.first() == id;
    take_off(id, carried);
    if (first && !groups_[bottleneck].clock.empty() && groups_[bottleneck].clock.first_is_due(engine().now()))
      groups_[bottleneck].alarm =
          engine().schedule(engine().now(), this, &Network::on_alarm, bottleneck, groups_[bottleneck].workers == 0);
  }
  flow.state = State::free;
  flow.what = free_;
  free_ = id;
}

// The links of its route are free of it, and have carried so much for it.
void Network::take_off(FlowId id, double carried) {
  detach(id);
  const Time now = engine().now();
  const double time = double((now - flows_[id].since).count());
  const bool others_gain = shares_.leave(id);
  for (const LinkId link : shares_.route(id)) {
    Use& use = uses_[link];
    use.carried += carried;
    use.flow_time += time;
    if (shares_.flows(link) == 0) use.busy += now - std::exchange(use.since, now);
  }
  if (others_gain) solve_later();
}

void Network::settle() {
  totals_.in_flight = background_.in_flight = 0;
  for (FlowId id = 0; id < flows_.size(); ++id) {
    Flow& flow = flows_[id];
    if (flow.state == State::free) continue;
    const double rest = std::clamp(left(id), 0.0, flow.unsettled), carried = flow.unsettled - rest;
    Totals& totals = totals_of(flow);
    totals.moved += carried;
    totals.received += carried;
    totals.in_flight += rest;
    flow.unsettled = rest;
    if (flow.state != State::flowing) continue;
    const Time now = engine().now();
    const double time = double((now - std::exchange(flow.since, now)).count());
    for (const LinkId link : shares_.route(id)) {
      Use& use = uses_[link];
      use.carried += carried;
      use.flow_time += time;
      use.busy += now - std::exchange(use.since, now);
    }
  }
}

void Network::set_link(LinkId link, const LinkSpec& spec) {
  ++changes_;
  if (!(spec.bandwidth >= 0) || spec.latency < Span{0})
    throw std::logic_error("set_link: " + topology_.link_name(link) + ": below 0");
  specs_[link] = spec;
  uses_[link].latency = spec.latency;
  uses_[link].overhead = spec.overhead;
  uses_[link].offered = offered(link);
  uses_[link].resized = engine().now();
  const bool was_up = shares_.capacity(link) > 0;
  shares_.set_capacity(link, payload_rate(spec));
  if (const bool is_up = shares_.capacity(link) > 0; is_up != was_up) {
    is_up ? --down_ : ++down_;
    routes_changed_ = true;
  }
  solve_later();
}

void Network::solve_later() {
  if (std::exchange(solve_pending_, true)) return;
  engine().at_end_of_instant(this, &Network::on_instant_end, 0);
}

void Network::solve() {
  solve_pending_ = false;
  ++statistics_.solves;
  if (std::exchange(routes_changed_, false) && down_ > 0) reroute_all();
  shares_.solve();
  statistics_.placed += shares_.placed().size();
  statistics_.leveled += shares_.leveled().size();
  const Time now = engine().now();
  for (const FlowId id : shares_.placed()) detach(id);
  for (const LinkId link : shares_.leveled()) {
    groups_[link].clock.set_level(shares_.level(link), now);
    make_stale(link);
  }
  for (const FlowId id : shares_.placed()) attach(id);
  for (const LinkId link : stale_) {
    groups_[link].stale = false;
    engine().unschedule(groups_[link].alarm);
    set_alarm(link);
  }
  stale_.clear();
}

void Network::make_stale(LinkId link) {
  if (std::exchange(groups_[link].stale, true)) return;
  stale_.push_back(link);
}

// At the first end of a group; never, where it is stopped or takes longer than the clock.
void Network::set_alarm(LinkId link) {
  Group& group = groups_[link];
  group.alarm = 0;
  if (group.clock.empty()) return;
  const Time now = engine().now();
  const double ticks = std::max(1.0, group.clock.until_first(now) + 0.5);
  if (ticks < to_seconds(Time::max() - now) * 1e12)
    group.alarm =
        engine().schedule(now + Span{std::int64_t(ticks)}, this, &Network::on_alarm, link, group.workers == 0);
}

// The first flow of a group ends; those that end at the same tick do so by events of their own.
void Network::ring(LinkId link) {
  groups_[link].alarm = 0;
  finish(groups_[link].clock.first());
}

double Network::noise(const Flow& flow, std::uint64_t draw) const {
  const Stream stream(options_.seed, "sharing", flow.order >> VirtualTime::flow_bits);
  return std::exp(options_.sharing_noise * normal_quantile(stream.uniform(draw)));
}

void Network::redraw_later() {
  if (redraw_ || options_.sharing_interval <= Span{0} || options_.sharing_noise <= 0) return;
  const auto draws = engine().now().time_since_epoch() / options_.sharing_interval;
  redraw_ =
      engine().schedule(later(Time{}, (draws + 1) * options_.sharing_interval), this, &Network::on_redraw, 0, true);
}

// New weights for all that flows.
void Network::redraw() {
  redraw_ = 0;
  const auto draw = std::uint64_t(engine().now().time_since_epoch() / options_.sharing_interval);
  bool any = false;
  for (FlowId id = 0; id < flows_.size(); ++id) {
    if (flows_[id].state != State::flowing || flows_[id].bottleneck == none) continue;
    any = true;
    detach(id);
    shares_.set_weight(id, base_weights_[id] * noise(flows_[id], draw));
    attach(id);
  }
  if (!any) return;
  solve_later();
  redraw_later();
}

void Network::waiters(std::vector<Waiter>& out) const {
  for (FlowId id = 0; id < flows_.size(); ++id) {
    const Flow& flow = flows_[id];
    const bool moves = flow.bottleneck == none ? flow.ticket != 0 : groups_[flow.bottleneck].alarm != 0;
    if (flow.state == State::free || moves || flow.call != &Transfer::on_end) continue;
    std::string what = fmt::format("a transfer of {:g} bytes", flow.unsettled);
    for (const LinkId link : shares_.route(id))
      if (shares_.capacity(link) <= 0) what += ", which is held up at " + topology_.link_name(link);
    out.push_back({static_cast<const Transfer*>(flow.target)->frame_, what});
  }
}

}  // namespace paceline
