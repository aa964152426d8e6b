// Dispatcher: gives out the runs of a sweep, one at a time, and takes their outcomes. Whoever does runs knows no more.
// This one takes them from a store, the largest first; several processes may do so at once. It is safe for many
// threads.
#pragma once
#include <condition_variable>
#include <mutex>
#include <optional>

#include "sim/experiment/sweep/plan.hpp"
#include "sim/experiment/sweep/store.hpp"

namespace paceline {

class Dispatcher {
 public:
  virtual ~Dispatcher() = default;
  // The next run to do, by its index in the plan; waits while others do what is left, as they may die. Nothing: all
  // is done, or stop() was called.
  virtual std::optional<std::size_t> next() = 0;
  // The same without waiting: nothing where others do what is left.
  virtual std::optional<std::size_t> try_next() = 0;
  virtual void finish(const Outcome& outcome) = 0;
};

class StoreDispatcher final : public Dispatcher {
 public:
  StoreDispatcher(const SweepPlan& plan, Store& store);
  ~StoreDispatcher() override;

  std::optional<std::size_t> next() override;
  std::optional<std::size_t> try_next() override;
  void finish(const Outcome& outcome) override;
  void stop();
  void renew();  // every renewal_s

  struct Counts {
    std::size_t done = 0, failed = 0, elsewhere = 0;  // elsewhere: when last looked
  };
  Counts counts() const;
  double seconds_left() const;  // estimated, of runs that are neither done nor begun here

 private:
  std::optional<std::size_t> claim_next();

  const SweepPlan& plan_;
  Store& store_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::size_t> waiting_;  // by size, the largest first
  Counts counts_;
  bool stopped_ = false;
};

}  // namespace paceline
