// Network: see network.hpp for what a transfer costs.
#include "sim/cluster/network.hpp"

#include <fmt/format.h>

namespace paceline {

namespace {
[[noreturn]] void reject(std::size_t links, std::size_t longest, double bytes, double weight) {
  if (links > longest)
    throw std::logic_error(fmt::format("send: a route of {} links, but the topology's longest has {}", links, longest));
  throw std::logic_error(fmt::format("send: {} bytes of weight {} cannot be sent", bytes, weight));
}
}  // namespace

Network::Network(Engine& engine, const Topology& topology)
    : Waitable(engine), topology_(topology), shares_(topology.longest_route()) {
  for (LinkId id = 0; id < topology.links(); ++id) {
    const LinkSpec spec = topology.link(id);
    shares_.add_link(spec.bandwidth * 1e-12);
    latency_.push_back(spec.latency);
  }
}

Network::~Network() {
  if (!engine_lives()) return;
  engine().forget(this);
  for (const Flow& flow : flows_) {
    if (flow.state == State::free) continue;
    engine().unschedule(flow.ticket);
    if (flow.call == &Transfer::on_end) static_cast<Transfer*>(flow.target)->flow_ = none;
  }
}

FlowId Network::launch(std::span<const LinkId> route, double bytes, double weight, Span waited, void* target,
                       Agenda::Call call, std::uint32_t what) {
  if (route.size() > shares_.longest_route() || !(bytes >= 0 && bytes < 1e300) || !(weight > 0 && weight < 1e300))
    reject(route.size(), topology_.longest_route(), bytes, weight);
  FlowId id = free_;
  if (id != none) {
    free_ = flows_[id].what;
  } else {
    id = FlowId(flows_.size());
    flows_.emplace_back();
  }
  Flow& flow = flows_[id];
  flow.remaining = flow.unsettled = bytes;
  flow.rate = 0;
  flow.target = target;
  flow.call = call;
  flow.what = what;
  flow.state = State::latent;
  shares_.set_route(id, route, weight);
  const Span latency = std::max(this->latency(route) - waited, Span{0});
  const bool flows = bytes > 0 && !route.empty();
  flow.ticket =
      engine().schedule(later(engine().now(), latency), this, flows ? &Network::on_start : &Network::on_finish, id);
  ++statistics_.transfers;
  totals_.sent += bytes;
  return id;
}

Span Network::latency(std::span<const LinkId> route) const {
  Span sum{0};
  for (const LinkId link : route) sum += latency_[link];
  return sum;
}

void Network::start(FlowId id) {
  Flow& flow = flows_[id];
  flow.ticket = 0;  // the solve gives it a rate and a finish
  flow.state = State::flowing;
  flow.updated = engine().now();
  shares_.join(id);
  solve_later();
}

void Network::finish(FlowId id) {
  const Flow& flow = flows_[id];
  void* const target = flow.target;
  const Agenda::Call call = flow.call;
  const std::uint32_t what = flow.what;
  totals_.moved +=
      flow.state == State::flowing ? flow.rate * double((engine().now() - flow.updated).count()) : flow.remaining;
  remove(id, flow.unsettled);
  call(target, what);
}

void Network::cancel(FlowId id) {
  Flow& flow = flows_[id];
  if (engine_lives()) engine().unschedule(flow.ticket);
  progress(flow);
  totals_.cancelled += flow.remaining;
  remove(id, flow.unsettled - flow.remaining);
}

void Network::remove(FlowId id, double carried) {
  Flow& flow = flows_[id];
  totals_.received += carried;
  if (flow.state == State::flowing && shares_.leave(id, carried)) solve_later();
  flow.state = State::free;
  flow.what = free_;
  free_ = id;
}

// Brings what remains up to date.
void Network::progress(Flow& flow) {
  if (flow.state != State::flowing) return;
  const Time now = engine().now();
  const double moved = std::min(flow.remaining, flow.rate * double((now - flow.updated).count()));
  totals_.moved += moved;
  flow.remaining -= moved;
  flow.updated = now;
}

void Network::settle() {
  totals_.in_flight = 0;
  for (FlowId id = 0; id < flows_.size(); ++id) {
    Flow& flow = flows_[id];
    if (flow.state == State::free) continue;
    progress(flow);
    totals_.in_flight += flow.remaining;
    totals_.received += flow.unsettled - flow.remaining;
    shares_.carry(id, flow.unsettled - flow.remaining);
    flow.unsettled = flow.remaining;
  }
}

void Network::set_link(LinkId link, LinkSpec spec) {
  if (!(spec.bandwidth >= 0) || spec.latency < Span{0})
    throw std::logic_error("set_link: " + topology_.link_name(link) + ": below 0");
  latency_[link] = spec.latency;
  shares_.set_capacity(link, spec.bandwidth * 1e-12);
  solve_later();
}

void Network::solve_later() {
  if (std::exchange(solve_pending_, true)) return;
  engine().at_end_of_instant(this, &Network::on_instant_end, 0);
}

void Network::solve() {
  solve_pending_ = false;
  ++statistics_.solves;
  for (const FlowId id : shares_.solve()) new_rate(id);
}

void Network::new_rate(FlowId id) {
  ++statistics_.new_rates;
  Flow& flow = flows_[id];
  if (flow.rate > 0) {
    engine().unschedule(flow.ticket);
    progress(flow);
  }
  const Time now = engine().now();
  flow.updated = now;
  flow.rate = shares_.rate(id);
  flow.ticket = 0;
  const double ticks = std::max(1.0, flow.remaining / flow.rate + 0.5);
  if (ticks < to_seconds(Time::max() - now) * 1e12)  // else it waits: it is stopped, or takes longer than the clock
    flow.ticket = engine().schedule(now + Span{std::int64_t(ticks)}, this, &Network::on_finish, id);
}

void Network::waiters(std::vector<Waiter>& out) const {
  for (FlowId id = 0; id < flows_.size(); ++id) {
    const Flow& flow = flows_[id];
    if (flow.state == State::free || flow.ticket || flow.call != &Transfer::on_end) continue;
    std::string what = fmt::format("a transfer of {:g} bytes", flow.unsettled);
    for (const LinkId link : shares_.route(id))
      if (shares_.capacity(link) <= 0) what += ", which is held up at " + topology_.link_name(link);
    out.push_back({static_cast<const Transfer*>(flow.target)->frame_, what});
  }
}

}  // namespace paceline
