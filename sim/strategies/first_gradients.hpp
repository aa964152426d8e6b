// FirstGradients: synchronous steps that end when the first K gradients at the current version are in; what comes
// later is dropped. With `cancel` the new parameters go to everybody at once, and who has not finished abandons its
// work when they reach it, at no cost; else a late worker finishes, sends in vain, and takes the newest parameters.
#pragma once
#include "sim/strategies/strategy.hpp"

namespace paceline {

class FirstGradients : public Served {
 public:
  FirstGradients(Training& training, int needed, bool cancel)
      : Served(training, true), needed_(needed), cancel_(cancel) {}

  Task<> work(Worker& me) override { return cancel_ ? work_until_newer(me) : Served::work(me); }
  Task<> serve(Server& server) override;
  bool global_steps() const override { return true; }
  std::int64_t most_open(int workers) const override { return 2 * workers + needed_; }
  std::vector<Check> checks() const override;

 protected:
  int needed_;
  bool cancel_;
  std::int64_t stalest_ = 0;
};

// The key `k` of strategies that wait for k gradients; at most the number of workers if they come from distinct ones.
int read_k(Reader& in, bool distinct, std::string_view help);
// Σ over gradients is in the order of workers, whoever was first.
void sort_by_worker(std::vector<GradientRef>& gradients);

}  // namespace paceline
