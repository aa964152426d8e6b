// When a worker fails on whose device nobody else depends: it, or its group, loses what it was at, is down, and
// rejoins; the others go on (see recovery.hpp).
#include <fmt/format.h>

#include <algorithm>

#include "sim/strategies/recovery.hpp"
#include "sim/strategies/until.hpp"

namespace paceline {
namespace {

class FailingAlone final : public Strategy {
 public:
  FailingAlone(const StrategyMaker& maker, const RecoverySpec& spec, Training& training)
      : spec_(spec), training_(training), strategy_(maker.make(training)) {
    training.set_gate(nullptr);
    for (int w = 0; w < training.workers(); ++w) outages_.emplace_back(training.engine(), w);
    for (int w = 0; w < training.workers(); ++w)
      if (training.is_down(w)) failed(w);
  }

  Task<> work(Worker& me) override {
    Outage& own = outages_[std::size_t(me.rank())];
    for (bool was_away = false;; was_away = true) {
      if (own.failures.value() == own.seen)
        co_await until_reached(training_.engine(), own.failures, own.seen + 1, take_part(me, was_away));
      training_.failures().lost += me.fail();
      go_away(me.rank());
      co_await me.spends(Activity::down, comes_back(own));
      own.away = false;
    }
  }
  Task<> serve(Server& server) override { return strategy_->serve(server); }

  bool global_steps() const override { return strategy_->global_steps(); }
  int batches_per_step() const override { return strategy_->batches_per_step(); }
  std::int64_t most_open(int workers) const override { return strategy_->most_open(workers); }
  std::shared_ptr<const Values> evaluated() override { return strategy_->evaluated(); }
  std::vector<Check> checks() const override { return strategy_->checks(); }

  void failed(int worker) override {
    for (int w : strategy_->goes_down_with(worker)) {
      Outage& outage = outages_[std::size_t(w)];
      outage.broken = worker;
      outage.at = training_.engine().now();
      outage.failures.add(1);
    }
  }
  void repaired(int worker) override {
    for (int w : strategy_->goes_down_with(worker)) outages_[std::size_t(w)].repairs.add(1);
  }

 private:
  struct Outage {
    Outage(Engine& engine, int worker)
        : failures(engine, 0, fmt::format("failures of worker {}", worker)),
          repairs(engine, 0, fmt::format("repairs of worker {}", worker)) {}
    Counter failures, repairs;
    std::int64_t seen = 0;
    Time at{};
    int broken = 0;  // whose device it was
    bool away = false;
  };

  // The last of those who go down together to do so.
  void go_away(int worker) {
    outages_[std::size_t(worker)].away = true;
    const std::vector<int> all = strategy_->goes_down_with(worker);
    if (std::all_of(all.begin(), all.end(), [this](int w) { return outages_[std::size_t(w)].away; }))
      strategy_->forget(all);
  }

  Task<> take_part(Worker& me, bool was_away) {
    if (was_away) co_await strategy_->rejoin(me);
    co_await strategy_->work(me);
  }

  // Until nothing has failed since its begin.
  Task<> comes_back(Outage& own) {
    Engine& engine = training_.engine();
    std::int64_t seen;
    do {
      while (anybody_down(own)) co_await own.repairs.reaches(own.repairs.value() + 1);
      seen = own.failures.value();
      const Time noticed = later(own.at, span_of(spec_.detection));
      if (noticed > engine.now()) co_await engine.sleep_until(noticed);
      if (seen == own.failures.value() && spec_.restart > 0) co_await engine.sleep(span_of(spec_.restart));
    } while (seen != own.failures.value());
    own.seen = seen;
  }
  bool anybody_down(const Outage& own) const {
    const std::vector<int> all = strategy_->goes_down_with(own.broken);
    return std::any_of(all.begin(), all.end(), [this](int w) { return training_.is_down(w); });
  }

  RecoverySpec spec_;
  Training& training_;
  std::unique_ptr<Strategy> strategy_;
  std::deque<Outage> outages_;  // by worker
};

}  // namespace

std::unique_ptr<Strategy> failing_alone(const StrategyMaker& maker, const RecoverySpec& spec, Training& training) {
  return std::make_unique<FailingAlone>(maker, spec, training);
}

}  // namespace paceline
