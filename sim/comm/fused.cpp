#include "sim/comm/fused.hpp"

namespace paceline {

Fused::~Fused() {
  if (ticket_) group_.engine().unschedule(ticket_);
  for (std::size_t i = 0; i < flows_.size() && under_way_ > 0; ++i)
    if (!arrived_[i]) group_.network().cancel(flows_[i]);
}

Task<> Fused::member(int) {
  if (++joined_ == size()) {
    for (const Phase& phase : *plan_) {
      for (const Burst& burst : phase) {
        group_.sent(burst.from, burst.bytes);
        group_.received(burst.to, burst.bytes);
        if (analytic_) group_.reckoned(burst.bytes);
      }
    }
    begin();
  }
  co_await done_.reaches(1);
}

void Fused::begin() {
  Engine& engine = group_.engine();
  since_ = engine.now();
  if (analytic_) {
    const Span taken = span_of(seconds(*plan_, group_));
    ticket_ = engine.schedule(later(engine.now(), taken), this, &Fused::on_end, 0);
    return;
  }
  if (phase_ == plan_->size()) {
    end();
    return;
  }
  const Phase& phase = (*plan_)[phase_++];
  under_way_ = phase.size();
  flows_.clear();
  arrived_.assign(phase.size(), false);
  for (std::uint32_t i = 0; i < phase.size(); ++i) {
    const Burst& burst = phase[i];
    group_.route(burst.from, burst.to, route_);
    const Span less = group_.network().latency(route_) - burst.latency;
    flows_.push_back(group_.network().send(route_, burst.bytes, {this, &Fused::on_arrival, i}, 1, less));
  }
  if (phase.empty()) begin();
}

void Fused::arrived(std::size_t burst) {
  arrived_[burst] = true;
  log((*plan_)[phase_ - 1][burst]);
  if (--under_way_ == 0) begin();
}

void Fused::log(const Burst& burst) const {
  if (!group_.log()) return;
  group_.log()->message({group_.node(burst.from), group_.node(burst.to), burst.bytes, since_, group_.engine().now()});
}

void Fused::end() {
  ticket_ = 0;
  for (const Phase& phase : *plan_)
    for (const Burst& burst : phase)
      if (analytic_) log(burst);
  reckon();
  done_.add(1);
}

}  // namespace paceline
