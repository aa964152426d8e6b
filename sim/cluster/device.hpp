// Device: does one piece of work at a time, at a speed that may change under way.
//
// Work is measured in seconds at nominal speed. With slowdown s(t) >= 0 the work done since begin() is the integral of
// 1/s(t); reach(w) ends when it is w. The finish is always reckoned from the last change of speed, so that rounding to
// ticks does not add up over the parts of a piece.
#pragma once
#include <vector>

#include "sim/core/engine.hpp"
#include "sim/core/record.hpp"

namespace paceline {

class Device {
 public:
  // `communication_slowdown`: the factor on every duration while the device communicates.
  explicit Device(Engine& engine, double communication_slowdown = 1)
      : engine_(engine), communication_slowdown_(communication_slowdown) {}
  Device(const Device&) = delete;

  // The factor that straggler number `straggler` puts on every duration from now on; 1: none. Factors multiply.
  void set_slowdown(std::size_t straggler, double factor) { set_factor(straggler + 1, factor); }
  double slowdown() const { return slowdown_; }

  // Something that the device communicates begins, or ends; there may be several at a time.
  void begin_communication() {
    if (++communicating_ == 1 && communication_slowdown_ != 1) set_factor(0, communication_slowdown_);
  }
  void end_communication() {
    if (--communicating_ == 0 && communication_slowdown_ != 1) set_factor(0, 1);
  }
  class Communication {
   public:
    explicit Communication(Device& device) : device_(device) { device.begin_communication(); }
    ~Communication() { device_.end_communication(); }
    Communication(const Communication&) = delete;

   private:
    Device& device_;
  };

  // Who hears of changes of speed, as worker `rank`; from then on the course of a piece of work is remembered.
  void watch(Timeline* timeline, int rank) {
    timeline_ = timeline;
    rank_ = rank;
  }

  // Starts a piece of work now.
  void begin() {
    since_ = engine_.now();
    done_ = 0;
    course_.clear();
    if (timeline_) course_.push_back({since_, 0});
  }
  // When so much of the piece was done. Of one that is watched.
  Time reached(double work) const {
    for (std::size_t i = 1; i < course_.size(); ++i) {
      const Milestone &from = course_[i - 1], &to = course_[i];
      if (work <= to.done)
        return from.at + span_of(to_seconds(to.at - from.at) *
                                 (to.done > from.done ? std::max(0.0, work - from.done) / (to.done - from.done) : 0));
    }
    return due(work);
  }

  class [[nodiscard]] Reach {
   public:
    Reach(Device& device, double goal) : device_(device), goal_(goal) {}
    Reach(const Reach&) = delete;
    ~Reach() {
      if (device_.waiter_ != this) return;
      device_.engine_.unschedule(ticket_);
      device_.waiter_ = nullptr;
    }
    bool await_ready() const { return device_.due(goal_) <= device_.engine_.now(); }
    void await_suspend(std::coroutine_handle<> who) {
      who_ = who;
      device_.waiter_ = this;
      ticket_ = device_.engine_.schedule(device_.due(goal_), who_);
    }
    void await_resume() { device_.waiter_ = nullptr; }

   private:
    friend class Device;
    Device& device_;
    double goal_;
    std::coroutine_handle<> who_;
    Engine::Ticket ticket_ = 0;
  };
  // Awaitable: until `work` seconds of work have been done since begin(). One process waits at a time.
  Reach reach(double work) { return Reach(*this, work); }

 private:
  // Place 0 is that of communication, the next ones are those of the stragglers.
  void set_factor(std::size_t place, double factor) {
    if (place >= factors_.size()) {
      if (factor == 1) return;
      factors_.resize(place + 1, 1.0);
    }
    if (factors_[place] == factor) return;
    factors_[place] = factor;
    settle();
    if (timeline_) {
      course_.push_back({since_, done_});
      if (place > 0) timeline_->moment({rank_, "slowdown", since_, factor});
    }
    slowdown_ = 1;
    for (double each : factors_) slowdown_ *= each;
    if (waiter_) reschedule();
  }
  Time due(double goal) const { return goal > done_ ? later(since_, span_of((goal - done_) * slowdown_)) : since_; }
  void settle() {
    done_ += to_seconds(engine_.now() - since_) / slowdown_;
    since_ = engine_.now();
  }
  void reschedule() {
    engine_.unschedule(waiter_->ticket_);
    waiter_->ticket_ = engine_.schedule(due(waiter_->goal_), waiter_->who_);
  }

  struct Milestone {
    Time at;
    double done;
  };

  Engine& engine_;
  Timeline* timeline_ = nullptr;
  int rank_ = nobody;
  std::vector<Milestone> course_;  // of the piece: where the speed changed
  double communication_slowdown_;
  int communicating_ = 0;
  std::vector<double> factors_;
  double slowdown_ = 1;
  Time since_{};     // of the last change of speed, or of begin()
  double done_ = 0;  // by then
  Reach* waiter_ = nullptr;
};

}  // namespace paceline
