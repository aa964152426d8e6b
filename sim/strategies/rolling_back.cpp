// When a device fails on whose work all depend: everybody goes down, and comes back with the latest checkpoint (see
// recovery.hpp). A checkpoint holds what all workers have between two of their steps; they meet for it. Elastic, all
// meet before every step, and a device that fails, or works again, changes who takes part in the next one.
#include <fmt/format.h>

#include <algorithm>

#include "sim/strategies/recovery.hpp"
#include "sim/strategies/until.hpp"

namespace paceline {
namespace {

struct Kept {
  std::any strategy;
  std::shared_ptr<const Compressor> residuals;
  Training::Tally tally;
  struct Position {
    std::int64_t step, through, samples;
  };
  std::vector<Position> workers;
};

constexpr int most_in_vain = 10'000;

class RollingBack final : public Strategy, public Gate {
 public:
  RollingBack(const StrategyMaker& maker, const RecoverySpec& spec, Training& training)
      : maker_(maker),
        spec_(spec),
        training_(training),
        failed_(training.engine(), 0, "failures of the job"),
        abandoned_(training.engine(), 0, "workers that have gone down"),
        back_(training.engine(), 0, "recoveries"),
        repairs_(training.engine(), 0, "repairs"),
        meetings_(training.engine(), 0, "meetings for checkpoints"),
        strategy_(maker.make(training)),
        lost_(std::size_t(training.workers())),
        kept_(std::make_shared<Kept>(now())),
        first_(kept_),
        since_(training.engine().now()) {
    if (spec.checkpoint) {
      cost_ = checkpoint_cost();
      interval_ = spec.checkpoint->interval.value_or(0);
      if (!spec.checkpoint->interval) interval_ = daly();
      training.failures().interval = interval_;
    }
    due_ = spec.elastic ? Time{} : spec.checkpoint ? later(since_, span_of(interval_)) : Time::max();
    training.set_gate(this);
    if (enough_work()) return;
    out_ = true;  // a new phase begins while something is broken
    lives_ = 1;
    failed_at_ = training.engine().now();
    going_down_ = std::int64_t(training.members().size());
    training.engine().spawn("recovery", recover());
  }

  Task<> work(Worker& me) override {
    for (;;) {
      if (takes_part(me.rank())) {
        if (!out_) co_await until_reached(training_.engine(), failed_, lives_ + 1, strategy_->work(me));
        training_.failures().lost_batches += me.open_batches();
        me.abandon_all();
        abandoned_.add(1);
      }
      co_await me.spends(Activity::down, comes_back(me.rank()));
    }
  }

  bool global_steps() const override { return strategy_->global_steps(); }
  // Who takes part may change: nobody knows which step is the last one.
  int batches_per_step() const override { return spec_.elastic ? 0 : strategy_->batches_per_step(); }
  std::int64_t most_open(int workers) const override { return strategy_->most_open(workers); }
  std::shared_ptr<const Values> evaluated() override { return strategy_->evaluated(); }
  std::vector<Check> checks() const override { return strategy_->checks(); }

  void failed(int worker) override {
    ++failures_;
    lost_[std::size_t(worker)] = true;
    if (std::exchange(latest_kept_, kept_) != kept_) in_vain_ = 0;
    if (++in_vain_ == most_in_vain)
      training_.finish("limit",
                       fmt::format("{} failures in a row, and no way on from step {}: devices fail faster than "
                                   "training recovers",
                                   most_in_vain, training_.steps()));
    failed_at_ = training_.engine().now();
    if (!takes_part(worker) || out_) return;
    ++training_.failures().rollbacks;
    go_down();
  }
  void repaired(int) override {
    repairs_.add(1);
    joining_ = spec_.elastic;
  }

  // Every worker asks once a step. The first step that nobody had begun when a checkpoint fell due is stopped at.
  bool stops(std::int64_t step) override {
    if (!stopping_ && training_.engine().now() >= due_) {
      stopping_ = true;
      stop_after_ = latest_step_;
    }
    latest_step_ = std::max(latest_step_, step);
    return stopping_ && step > stop_after_;
  }

  Task<> pass(Worker& me) override {
    const std::int64_t meeting = meetings_.value() + 1;
    last_here_ = nobody;
    if (++here_ == training_.members().size()) {
      last_here_ = me.rank();
      here_ = 0;
      meet();
      meetings_.raise_to(meeting);
    }
    co_await me.waits(reaches(meetings_, meeting), last_here_);
    if (cost_ > 0 && blocking()) co_await me.spends(Activity::down, write(meeting));
  }

 private:
  bool blocking() const { return spec_.checkpoint && spec_.checkpoint->blocking; }
  // It has been there, and its device has not failed since.
  bool still_has(int worker) const { return takes_part(worker) && !lost_[std::size_t(worker)]; }
  bool takes_part(int worker) const {
    return std::binary_search(training_.members().begin(), training_.members().end(), worker);
  }

  double checkpoint_cost() const {
    const RecoverySpec::Checkpoint& c = *spec_.checkpoint;
    if (c.cost) return *c.cost;
    return c.bytes.value_or(training_.cost().gradient_bytes() * (1 + training_.optimizer().state)) / c.bandwidth;
  }
  double daly() const {
    const double rate = training_.cluster().failure_rate(training_.communicator().hosts());
    if (rate == 0 || cost_ == 0)
      throw ConfigError({}, "/training/recovery/checkpoint/interval",
                        rate == 0 ? "cannot be \"daly\": these failures have no mean time between them"
                                  : "cannot be \"daly\": a checkpoint that costs nothing is best written always");
    return daly_interval(cost_, 1 / rate);
  }

  Kept now() const {
    Kept kept{strategy_->saved(), training_.wire().saved(), training_.tally(), {}};
    for (int w = 0; w < training_.workers(); ++w) {
      Worker& worker = training_.worker(w);
      worker.settle_rows();
      kept.workers.push_back({takes_part(w) ? worker.current_step() : -1, worker.steps(), worker.samples()});
    }
    return kept;
  }

  // All are between two steps; each has drawn its next gradient.
  void meet() {
    stopping_ = false;
    writing_ = std::make_shared<Kept>(now());
    taken_ = training_.engine().now();
    if (cost_ == 0) {
      keep();
      if (joining_) go_down();
    } else if (!blocking()) {
      due_ = Time::max();
      training_.engine().spawn("a checkpoint", write_on(lives_), Engine::Kind::daemon);
    }
  }
  void keep() {
    kept_ = std::move(writing_);
    since_ = taken_;
    if (!spec_.elastic) due_ = later(training_.engine().now(), span_of(interval_));
    training_.failures().checkpoints += !spec_.elastic;
  }
  Task<> write(std::int64_t meeting) {
    co_await training_.engine().sleep(span_of(cost_));
    training_.failures().checkpointing += span_of(cost_);
    if (std::exchange(written_, meeting) == meeting) co_return;
    keep();
    since_ = training_.engine().now();
  }
  Task<> write_on(std::int64_t life) {
    co_await training_.engine().idle_sleep(span_of(cost_));
    if (life == lives_) keep();
  }

  void go_down() {
    if (std::exchange(out_, true)) return;
    ++lives_;
    const auto members = std::int64_t(training_.members().size());
    const bool stood_still = writing_ && blocking();
    training_.failures().lost += members * ((stood_still ? taken_ : training_.engine().now()) - since_);
    going_down_ += members;
    failed_.raise_to(lives_);
    training_.engine().spawn("recovery", recover());
  }

  Task<> comes_back(int worker) {
    do co_await back_.reaches(out_ ? lives_ : lives_ + 1);
    while (!takes_part(worker));
  }

  // Until nothing has failed since its begin.
  Task<> recover() {
    Engine& engine = training_.engine();
    co_await abandoned_.reaches(going_down_);
    training_.communicator().reset();
    std::vector<int> members;
    for (std::int64_t seen = -1; seen != failures_;) {
      while (!enough_work()) co_await repairs_.reaches(repairs_.value() + 1);
      seen = failures_;
      const Time noticed = later(failed_at_, span_of(spec_.detection));
      if (failures_ > 0 && noticed > engine.now()) co_await engine.sleep_until(noticed);
      if (seen == failures_ && spec_.restart > 0) co_await engine.sleep(span_of(spec_.restart));
      joining_ = false;
      members = working();
      if (seen == failures_ && enough_work()) co_await hand_over(members);
      if (!enough_work()) seen = -1;
    }
    std::vector<int> stayed, joined;
    for (const int w : members) (still_has(w) ? stayed : joined).push_back(w);
    if (spec_.elastic && stayed.empty()) kept_ = first_;  // nobody has the rest any more
    training_.set_members(members);
    restore();
    for (const int w : joined)
      if (spec_.elastic && !stayed.empty()) strategy_->joins(w, stayed[0]);
    lost_.assign(lost_.size(), false);
    out_ = stopping_ = false;
    latest_step_ = -1;
    writing_.reset();
    here_ = 0;
    since_ = engine.now();
    if (spec_.checkpoint) due_ = later(engine.now(), span_of(interval_));
    back_.raise_to(lives_);
  }

  std::vector<int> working() const {
    std::vector<int> up;
    for (int w = 0; w < training_.workers(); ++w)
      if (!training_.is_down(w)) up.push_back(w);
    return up;
  }
  bool enough_work() const {
    const std::size_t up = working().size();
    return spec_.elastic ? up > 0 : up == std::size_t(training_.workers());
  }

  // To those who were not there, from the first who was.
  Task<> hand_over(const std::vector<int>& members) {
    if (!spec_.elastic) co_return;
    const auto from = std::find_if(members.begin(), members.end(), [this](int w) { return still_has(w); });
    if (from == members.end()) co_return;
    const double bytes = training_.cost().gradient_bytes() * (1 + training_.optimizer().state);
    for (const int w : members)
      if (!still_has(w)) {
        training_.communicator().sent(*from, bytes);
        training_.communicator().received(w, bytes);
        std::vector<LinkId> way;
        training_.communicator().route(*from, w, way);
        co_await training_.cluster().network().transfer(way, bytes);
      }
  }

  void restore() {
    training_.go_back(kept_->tally);
    std::int64_t next = 0;
    for (const Kept::Position& at : kept_->workers) next = std::max(next, at.step);
    for (int w = 0; w < training_.workers(); ++w) {
      const Kept::Position& at = kept_->workers[std::size_t(w)];
      training_.worker(w).go_back(at.step >= 0 ? at.step : next, at.through, at.samples);
    }
    training_.wire().restore(kept_->residuals.get());
    strategy_ = maker_.make(training_);
    strategy_->restore(kept_->strategy);
  }

  StrategyMaker maker_;
  RecoverySpec spec_;
  Training& training_;
  double cost_ = 0, interval_ = 0;  // of checkpoints, seconds
  Counter failed_, abandoned_, back_, repairs_, meetings_;
  std::unique_ptr<Strategy> strategy_;
  std::vector<bool> lost_;  // by worker: its device has failed since it last took part
  std::shared_ptr<const Kept> kept_, first_, writing_;
  Time since_{}, taken_{};  // from when on work would be lost; when the checkpoint being written was taken
  Time due_ = Time::max();
  bool stopping_ = false;
  std::size_t here_ = 0;    // workers at the meeting
  int last_here_ = nobody;  // of the latest meeting
  std::int64_t stop_after_ = -1, latest_step_ = -1, written_ = -1;
  std::int64_t lives_ = 0, failures_ = 0, going_down_ = 0;
  Time failed_at_{};
  bool out_ = false, joining_ = false;
  std::shared_ptr<const Kept> latest_kept_;  // at the latest failure
  int in_vain_ = 0;                          // failures since that was kept
};

}  // namespace

std::unique_ptr<Strategy> rolling_back(const StrategyMaker& maker, const RecoverySpec& spec, Training& training) {
  return std::make_unique<RollingBack>(maker, spec, training);
}

}  // namespace paceline
