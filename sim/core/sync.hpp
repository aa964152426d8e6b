// What processes wait on, besides time: a Counter that only grows, a Mailbox, and groups of tasks.
// Waiters are woken through the agenda, in order of arrival. One that is destroyed while it waits
// leaves the line and takes nothing with it.
#pragma once
#include <deque>
#include <limits>

#include "sim/core/engine.hpp"

namespace paceline {

namespace detail {

// Those who wait somewhere, in order of arrival; links lie in the awaiters.
class Line {
 public:
  struct Place {
    Place() = default;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      if (line) line->remove(*this);
    }
    template <class Promise>
    void wait(Line& in, std::coroutine_handle<Promise> handle) {
      who = handle;
      frame = frame_of(handle);
      in.append(*this);
    }
    std::coroutine_handle<> who;
    const Frame* frame = nullptr;
    Line* line = nullptr;
    Place *before = nullptr, *after = nullptr;
  };
  Line() = default;
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() {
    while (first) remove(*first);
  }
  void append(Place& p) {
    p.line = this;
    p.before = last;
    p.after = nullptr;
    (last ? last->after : first) = &p;
    last = &p;
  }
  void remove(Place& p) {
    (p.before ? p.before->after : first) = p.after;
    (p.after ? p.after->before : last) = p.before;
    p.line = nullptr;
  }
  Place *first = nullptr, *last = nullptr;
};

// A wake-up on its way through the agenda, withdrawn when destroyed.
struct WakeUp {
  explicit WakeUp(Engine& e) : engine(e) {}
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;
  ~WakeUp() {
    if (ticket) engine.unschedule(ticket);
  }
  void send(std::coroutine_handle<> who) { ticket = engine.schedule(engine.now(), who); }
  Engine& engine;
  Engine::Ticket ticket = 0;
};

}  // namespace detail

// A number that only grows; processes wait for it to reach a value.
class Counter final : public Waitable {
 public:
  explicit Counter(Engine& engine, std::int64_t start = 0, std::string label = {})
      : Waitable(engine), value_(start), label_(std::move(label)) {}

  std::int64_t value() const { return value_; }

  void raise_to(std::int64_t value) {
    value_ = std::max(value_, value);
    if (value_ < lowest_goal_) return;
    lowest_goal_ = none;
    for (auto *p = line_.first, *after = p; p; p = after) {
      after = p->after;
      Wait& wait = static_cast<Wait&>(*p);
      if (wait.goal_ <= value_) {
        line_.remove(wait);
        wait.wake_up_.send(wait.who);
      } else {
        lowest_goal_ = std::min(lowest_goal_, wait.goal_);
      }
    }
  }
  void add(std::int64_t by) { raise_to(value_ + by); }

  // Awaitable: the value is at least the goal.
  auto reaches(std::int64_t goal) { return Wait(*this, goal); }

  void waiters(std::vector<Waiter>& out) const override {
    for (auto* p = line_.first; p; p = p->after)
      out.push_back({p->frame, "'" + (label_.empty() ? "a counter" : label_) + "' to reach " +
                                   std::to_string(static_cast<const Wait&>(*p).goal_) + " (now " +
                                   std::to_string(value_) + ")"});
  }

 private:
  class [[nodiscard]] Wait : public detail::Line::Place {
   public:
    Wait(Counter& counter, std::int64_t goal) : counter_(counter), goal_(goal), wake_up_(counter.engine()) {}
    bool await_ready() const { return counter_.value_ >= goal_; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle) {
      wait(counter_.line_, handle);
      counter_.lowest_goal_ = std::min(counter_.lowest_goal_, goal_);
    }
    void await_resume() { wake_up_.ticket = 0; }

   private:
    friend class Counter;
    Counter& counter_;
    std::int64_t goal_;
    detail::WakeUp wake_up_;
  };
  static constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
  std::int64_t value_;
  std::int64_t lowest_goal_ = none;  // of those who wait, or lower
  detail::Line line_;
  std::string label_;
};

// A queue of messages: send() never waits, receive() waits for the next one. The first to wait gets
// the first message; one who is destroyed before he takes it leaves it to the next.
template <class T>
class Mailbox final : public Waitable {
 public:
  explicit Mailbox(Engine& engine, std::string label = {}) : Waitable(engine), label_(std::move(label)) {}

  std::size_t size() const { return messages_.size(); }
  void send(T message) {
    messages_.push_back(std::move(message));
    serve();
  }

  // Awaitable: the next message.
  auto receive() { return Receive(*this); }

  void waiters(std::vector<Waiter>& out) const override {
    for (auto* p = line_.first; p; p = p->after)
      out.push_back({p->frame, "a message in '" + (label_.empty() ? "a mailbox" : label_) + "'"});
  }

 private:
  class [[nodiscard]] Receive : public detail::Line::Place {
   public:
    explicit Receive(Mailbox& box) : box_(box), wake_up_(box.engine()) {}
    ~Receive() {
      if (!wake_up_.ticket) return;
      --box_.promised_;
      box_.serve();
    }
    bool await_ready() const { return box_.messages_.size() > box_.promised_; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle) {
      wait(box_.line_, handle);
    }
    T await_resume() {
      auto& messages = box_.messages_;
      auto mine = messages.begin();  // those promised come first, in the order of their wake-ups
      if (wake_up_.ticket) --box_.promised_;
      else mine += static_cast<std::ptrdiff_t>(box_.promised_);
      wake_up_.ticket = 0;
      T message = std::move(*mine);
      messages.erase(mine);
      return message;
    }

   private:
    friend class Mailbox;
    Mailbox& box_;
    detail::WakeUp wake_up_;
  };
  void serve() {
    while (line_.first && messages_.size() > promised_) {
      Receive& next = static_cast<Receive&>(*line_.first);
      line_.remove(next);
      next.wake_up_.send(next.who);
      ++promised_;
    }
  }
  std::deque<T> messages_;
  std::size_t promised_ = 0;  // messages whose receivers are being woken
  detail::Line line_;
  std::string label_;
};

// Awaits every task, all at once. The first to throw ends the wait: the rest are cancelled, and it is
// thrown on. The last to end goes on as the one who awaits them, with no event between.
inline Task<> all_of(std::vector<Task<>> given) {
  const std::vector<Task<>> tasks = std::move(given);
  const ThisCoroutine self = co_await ThisCoroutine{};
  std::size_t under_way = 0;
  for (const Task<>& task : tasks) {
    task.frame().promise().parent = self.frame;
    if (!task.frame().done()) task.frame().resume();
    if (task.frame().done()) {
      task.frame().promise().result();
    } else {
      task.frame().promise().continuation = self.who;
      ++under_way;
    }
  }
  for (; under_way > 0; --under_way) {
    co_await std::suspend_always{};  // until one of them ends
    for (const Task<>& task : tasks)
      if (task.frame().done()) task.frame().promise().result();
  }
}

namespace detail {

// Tasks of which the first to end counts.
struct Race {
  static constexpr std::size_t none = ~std::size_t{0};
  Counter over;
  std::size_t first = none;
  std::exception_ptr error{};  // what that one threw

  static Task<> run(Task<> task, Race& race, std::size_t index) {
    try {
      co_await task;
    } catch (...) {
      if (race.first == none) race.error = std::current_exception();
    }
    if (race.first == none) race.first = index;
    race.over.raise_to(1);
  }
};

}  // namespace detail

// Awaits the first task to end and gives its index; what it threw is thrown on. The others are
// cancelled, and gone when this returns. Throws std::logic_error if there are no tasks.
inline Task<std::size_t> first_of(Engine& engine, std::vector<Task<>> tasks) {
  if (tasks.empty()) throw std::logic_error("first_of: there are no tasks");
  detail::Race race{Counter(engine, 0, "the first of " + std::to_string(tasks.size()) + " tasks")};
  std::vector<Task<>> watched;
  watched.reserve(tasks.size());
  Frame* const self = (co_await ThisCoroutine{}).frame;
  for (std::size_t i = 0; i < tasks.size() && race.first == detail::Race::none; ++i) {
    watched.push_back(detail::Race::run(std::move(tasks[i]), race, i));
    watched.back().frame().promise().parent = self;
    watched.back().frame().resume();
  }
  co_await race.over.reaches(1);
  if (race.error) std::rethrow_exception(race.error);
  co_return race.first;
}

}  // namespace paceline
