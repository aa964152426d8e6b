// Fused: a collective of which only the plan is simulated, from the time when the last rank has joined: the bursts of
// a phase flow at once, each after the latencies of its messages, and the next phase begins when all are in. Analytic:
// nothing flows, the plan takes the seconds of its closed form. All ranks leave at the same time.
#pragma once
#include "sim/comm/collective.hpp"
#include "sim/core/sync.hpp"

namespace paceline {

class Fused final : public Collective {
 public:
  Fused(Communicator& group, Op op, double bytes, std::shared_ptr<const Plan> plan, bool analytic)
      : Collective(group, op, bytes),
        plan_(std::move(plan)),
        analytic_(analytic),
        done_(group.engine(), 0, std::string("the last rank of ") + name_of(op)) {}
  ~Fused() override;

  Task<> member(int rank) override;

 private:
  static void on_arrival(void* self, std::uint32_t burst) { static_cast<Fused*>(self)->arrived(burst); }
  static void on_end(void* self, std::uint32_t) { static_cast<Fused*>(self)->end(); }
  void begin();
  void arrived(std::size_t burst);
  void log(const Burst& burst) const;
  void end();

  const std::shared_ptr<const Plan> plan_;
  const bool analytic_;
  int joined_ = 0;
  std::size_t phase_ = 0, under_way_ = 0;
  std::vector<FlowId> flows_;  // of the phase, by burst
  std::vector<bool> arrived_;
  Time since_{};  // of the phase
  Engine::Ticket ticket_ = 0;
  std::vector<LinkId> route_;
  Counter done_;
};

}  // namespace paceline
