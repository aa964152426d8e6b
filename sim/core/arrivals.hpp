// Arrivals: counts what has come in (messages, completed transfers); one process waits for the
// count to reach a number. The waiter is resumed through the agenda.
#pragma once
#include "sim/core/engine.hpp"

namespace paceline {

class Arrivals final : public Waitable {
 public:
  explicit Arrivals(Engine& engine, std::string label = {}) : Waitable(engine), label_(std::move(label)) {}
  ~Arrivals() {
    if (!wait_) return;
    if (engine_lives()) engine().unschedule(wait_->ticket_);
    wait_->of_ = nullptr;
  }

  std::uint64_t count() const { return count_; }
  void arrive() {
    if (++count_ == goal_ && wait_) wait_->ticket_ = engine().schedule(engine().now(), wait_->who_);
  }

  class [[nodiscard]] Wait {
   public:
    Wait(Arrivals& of, std::uint64_t goal) : of_(&of), goal_(goal) {}
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait() {
      if (!of_ || of_->wait_ != this) return;
      of_->wait_ = nullptr;
      if (ticket_) of_->engine().unschedule(ticket_);
    }
    bool await_ready() const noexcept { return of_->count_ >= goal_; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> who) {
      if (of_->wait_) throw std::logic_error("Arrivals: a process waits there already");
      who_ = who;
      frame_ = frame_of(who);
      of_->wait_ = this;
      of_->goal_ = goal_;
    }
    void await_resume() noexcept {
      if (ticket_) of_->wait_ = nullptr;
      ticket_ = 0;
    }

   private:
    friend class Arrivals;
    Arrivals* of_;  // null once it is gone
    std::uint64_t goal_;
    std::coroutine_handle<> who_;
    const Frame* frame_ = nullptr;
    Engine::Ticket ticket_ = 0;
  };
  // Awaitable: the count is at least the goal. One process at a time: std::logic_error.
  Wait reach(std::uint64_t goal) { return Wait(*this, goal); }

  void waiters(std::vector<Waiter>& out) const override {
    if (wait_ && !wait_->ticket_)
      out.push_back({wait_->frame_, "'" + (label_.empty() ? "arrivals" : label_) + "' to reach " +
                                        std::to_string(goal_) + " (now " + std::to_string(count_) + ")"});
  }

 private:
  std::uint64_t count_ = 0, goal_ = 0;
  Wait* wait_ = nullptr;
  std::string label_;
};

}  // namespace paceline
