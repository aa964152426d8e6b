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
      noisy_(options.sharing_noise > 0),
      redraws_(noisy_ && options.sharing_interval > Span{0}),
      shares_(std::max(topology.longest_route(), topology.longest_detour())),
      uses_(topology.links()),
      offers_(topology.links()),
      groups_(topology.links()) {
  for (LinkId id = 0; id < topology.links(); ++id) {
    specs_.push_back(topology.link(id));
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
  return spec.bandwidth * options_.bandwidth_factor * spec.efficiency * options_.bandwidth_efficiency * 1e-12;
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
    latency += specs_[link].latency;
    overhead += specs_[link].overhead;
  }
  latency = std::max(latency, Span{0}) + overhead;
  if (noisy_) {
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
  for (const LinkId link : route) sum += specs_[link].latency + specs_[link].overhead;
  return sum;
}

void Network::start(FlowId id) {
  flows_[id].ticket = 0;
  flows_[id].state = State::flowing;
  if (down_ > 0 && is_blocked(shares_.route(id))) reroute(id);
  begin(id);
  if (redraws_) redraw_later();
  solve_later();
}

void Network::begin(FlowId id) {
  const Time now = engine().now();
  for (const LinkId link : shares_.route(id)) {
    account(link, now);
    if (timeline_ && shares_.flows(link) == 0) becomes_busy(link);
    if (shares_.alone(link) != none) end_alone(shares_.alone(link));
  }
  shares_.join(id);
}

// Bytes that are still to be carried; below 0 by half a tick's at most.
double Network::left(FlowId id) const {
  const Flow& flow = flows_[id];
  if (flow.state == State::alone) return flow.amount - shares_.rate(id) * double((engine().now() - flow.since).count());
  if (flow.bottleneck == none) return flow.amount;
  return (flow.amount - groups_[flow.bottleneck].clock.at(engine().now())) * shares_.weight(id);
}

// Nobody shares its links: it has an alarm of its own.
void Network::begin_alone(FlowId id) {
  Flow& flow = flows_[id];
  const double rate = shares_.rate(id);
  flow.state = State::alone;
  flow.since = engine().now();
  if (rate > 0) flow.ticket = alarm_in(flow.amount / rate, shares_.bottleneck(id), flow.owner == Owner::background);
}

// From now on it may have company: it goes to the clock of its bottleneck with its alarm.
void Network::end_alone(FlowId id) {
  Flow& flow = flows_[id];
  flow.state = State::flowing;
  flow.bottleneck = shares_.bottleneck(id);
  Group& group = groups_[flow.bottleneck];
  group.clock.start(shares_.level(flow.bottleneck), flow.since);
  group.alarm = std::exchange(flow.ticket, 0);
  group.workers = flow.owner == Owner::workers;
  flow.amount /= shares_.weight(id);
  shares_.bundle_lonely(id);
  group.clock.add(flow.amount, flow.order, places_);
}

// Takes a flow off the clock that it is on.
void Network::detach(FlowId id) {
  Flow& flow = flows_[id];
  const LinkId bottleneck = flow.bottleneck;
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
  totals_of(flow).moved += flow.unsettled - (flow.state >= State::flowing ? left(id) : 0);
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
  if (flow.state == State::alone) {
    take_off(id, carried);
  } else if (flow.state == State::flowing) {
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
  if (flows_[id].bottleneck != none) detach(id);
  const Time now = engine().now();
  for (const LinkId link : shares_.route(id)) {
    account(link, now);
    uses_[link].carried += carried;
    if (timeline_ && shares_.flows(link) == 1) becomes_idle(link);
  }
  if (shares_.leave(id)) solve_later();
}
// At the instant at which it became idle it goes on being busy.
void Network::becomes_busy(LinkId link) {
  BusyTime& time = busy_times_[link];
  if (time.until == engine().now() && time.until > time.from) return;
  tell_busy(link);
  time = {engine().now(), engine().now(), uses_[link].carried, uses_[link].carried};
}
void Network::becomes_idle(LinkId link) {
  busy_times_[link].until = engine().now();
  busy_times_[link].carried = uses_[link].carried;
}
void Network::tell_busy(LinkId link) {
  const BusyTime& time = busy_times_[link];
  if (time.until > time.from)
    timeline_->busy({link, time.from, time.until, time.carried - time.carried_before, capacity(link)});
}
void Network::end_busy_times() {
  for (LinkId link = 0; timeline_ && link < uses_.size(); ++link) {
    if (shares_.flows(link) > 0) becomes_idle(link);
    tell_busy(link);
  }
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
    if (flow.state < State::flowing) continue;
    for (const LinkId link : shares_.route(id)) uses_[link].carried += carried;
  }
  for (LinkId link = 0; link < uses_.size() && engine_lives(); ++link) account(link, engine().now());
}

void Network::set_link(LinkId link, const LinkSpec& spec) {
  ++changes_;
  if (!(spec.bandwidth >= 0) || spec.latency < Span{0})
    throw std::logic_error("set_link: " + topology_.link_name(link) + ": below 0");
  specs_[link] = spec;
  offers_[link] = {offered(link), engine().now()};
  const bool was_up = shares_.capacity(link) > 0;
  if (const FlowId alone = shares_.alone(link); alone != none) end_alone(alone);
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
  statistics_.placed += shares_.lonely().size() + shares_.placed().size();
  statistics_.leveled += shares_.leveled().size();
  const Time now = engine().now();
  for (const FlowId id : shares_.lonely()) begin_alone(id);
  for (const FlowId id : shares_.placed())
    if (flows_[id].bottleneck != none) detach(id);
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
  if (!group.clock.empty()) group.alarm = alarm_in(group.clock.until_first(engine().now()), link, group.workers == 0);
}

Engine::Ticket Network::alarm_in(double ticks, LinkId link, bool idle) {
  const Time now = engine().now();
  ticks = std::max(1.0, ticks + 0.5);
  if (!(ticks < double((Time::max() - now).count()))) return 0;
  return engine().schedule(now + Span{std::int64_t(ticks)}, this, &Network::on_alarm, link, idle);
}

// The one flow of a link, or the first of a group, ends; those that end at the same tick do so by events of their own.
void Network::ring(LinkId link) {
  if (const FlowId alone = shares_.alone(link); alone != none) {
    flows_[alone].ticket = 0;
    finish(alone);
    return;
  }
  groups_[link].alarm = 0;
  finish(groups_[link].clock.first());
}

double Network::noise(const Flow& flow, std::uint64_t draw) const {
  const Stream stream(options_.seed, "sharing", flow.order >> VirtualTime::flow_bits);
  return std::exp(options_.sharing_noise * normal_quantile(stream.uniform(draw)));
}

void Network::redraw_later() {
  if (redraw_) return;
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
    if (flows_[id].state == State::alone) end_alone(id);
    if (flows_[id].bottleneck == none) continue;
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
    const bool moves = flow.ticket != 0 || (flow.bottleneck != none && groups_[flow.bottleneck].alarm != 0);
    if (flow.state == State::free || moves || flow.call != &Transfer::on_end) continue;
    std::string what = fmt::format("a transfer of {:g} bytes", flow.unsettled);
    for (const LinkId link : shares_.route(id))
      if (shares_.capacity(link) <= 0) what += ", which is held up at " + topology_.link_name(link);
    out.push_back({static_cast<const Transfer*>(flow.target)->frame_, what});
  }
}

}  // namespace paceline
