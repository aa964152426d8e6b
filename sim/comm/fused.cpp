#include "sim/comm/fused.hpp"

namespace paceline {

Fused::~Fused() {
  if (ticket_) group_.engine().unschedule(ticket_);
}

Task<> Fused::member(int) {
  if (++joined_ == size()) {
    for (const Phase& phase : plan_) {
      for (const Burst& burst : phase) {
        group_.sent(burst.from, burst.bytes);
        group_.received(burst.to, burst.bytes);
      }
    }
    begin();
  }
  co_await done_.reaches(1);
}

void Fused::begin() {
  Engine& engine = group_.engine();
  if (analytic_) {
    const Span taken = span_of(seconds(plan_, group_));
    ticket_ = engine.schedule(later(engine.now(), taken), this, &Fused::on_end, 0);
    return;
  }
  if (phase_ == plan_.size()) {
    end();
    return;
  }
  const Phase& phase = plan_[phase_++];
  under_way_ = phase.size();
  for (const Burst& burst : phase) {
    group_.route(burst.from, burst.to, route_);
    const Span less = group_.network().latency(route_) - burst.latency;
    group_.network().send(route_, burst.bytes, {this, &Fused::on_arrival, 0}, 1, less);
  }
  if (phase.empty()) begin();
}

void Fused::arrived() {
  if (--under_way_ == 0) begin();
}

void Fused::end() {
  ticket_ = 0;
  reckon();
  done_.add(1);
}

}  // namespace paceline
