// Engine: the clock, the agenda, and the processes that live on them.
//
// An instant has three phases:
//   1. ordinary events, in order of scheduling, those that they schedule for this instant included;
//   2. turns (servers take requests), in the order (key, order of deferral); then phase 1 again,
//      until both are empty;
//   3. the end: first what was put off to the end (the network solve), then, when phases 1 and 2 are
//      empty and no end is left, what comes after it (evaluation, the stop rule), one by one.
//      What phase 3 schedules for this very instant makes it go on with phase 1.
// Then the clock goes on. A process that is woken is always resumed by an event or a turn, never on
// the spot. What is waited on must not be used by processes after its own end: stop() comes first.
#pragma once
#include <bit>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sim/core/agenda.hpp"
#include "sim/core/task.hpp"
#include "sim/core/time.hpp"

namespace paceline {

// Thrown by run() when nothing is left to happen but some workers still wait.
struct Deadlock : std::runtime_error {
  struct Stuck {
    std::string process;
    std::string waits_on;  // "'inbox of rank 3' to reach 4 (now 2)"
  };
  explicit Deadlock(Time at, std::vector<Stuck> all, const std::vector<std::string>& faults = {});
  std::vector<Stuck> stuck;  // in order of spawning; what() shows the first 20
};
// Thrown by run() around what a process threw; the cause is nested inside.
struct ProcessFailed : std::runtime_error {
  using runtime_error::runtime_error;
};
// Thrown by run() when it has fired more events than it may.
struct LimitReached : std::runtime_error {
  using runtime_error::runtime_error;
};

// The message of an exception and of those nested in it, a line each, the outermost first.
std::string describe(const std::exception& error);

class Engine;

// Something that processes may be stuck on. It is asked who waits on it only when a deadlock is
// reported; until then it costs nothing but its place in the engine's list.
class Waitable {
 public:
  struct Waiter {
    const Frame* who;
    std::string what;  // completes "worker 3 waits for "
  };
  Waitable(const Waitable&) = delete;
  Waitable& operator=(const Waitable&) = delete;
  virtual void waiters(std::vector<Waiter>& out) const = 0;
  // What may be the cause, a line each: "the link n0 -> switch is down".
  virtual void faults(std::vector<std::string>&) const {}

 protected:
  explicit Waitable(Engine& engine);
  ~Waitable();
  Engine& engine() const { return *engine_; }
  bool engine_lives() const { return engine_ != nullptr; }

 private:
  friend class Engine;
  Engine* engine_;  // null once the engine is gone
  Waitable* before_;
  Waitable* after_;
};

class Engine {
  class [[nodiscard]] Sleep {
   public:
    Sleep(Engine& engine, Time at, bool idle = false) : engine_(engine), at_(at), idle_(idle) {}
    Sleep(const Sleep&) = delete;
    Sleep& operator=(const Sleep&) = delete;
    ~Sleep() {
      if (ticket_) engine_.unschedule(ticket_);
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> who) {
      ticket_ = engine_.schedule(at_, who.address(), nullptr, 0, idle_);
    }
    void await_resume() noexcept { ticket_ = 0; }

   private:
    Engine& engine_;
    Time at_;
    bool idle_;
    Agenda::Ticket ticket_ = 0;
  };
  class [[nodiscard]] Turn {
   public:
    Turn(Engine& engine, std::uint32_t key) : engine_(engine), key_(key) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (waits_) engine_.withdraw(this);
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> who) {
      engine_.defer(key_, who.address(), nullptr, 0, this);
      waits_ = true;
    }
    void await_resume() noexcept { waits_ = false; }

   private:
    Engine& engine_;
    std::uint32_t key_;
    bool waits_ = false;
  };

 public:
  using Ticket = Agenda::Ticket;
  using Call = Agenda::Call;
  enum class Kind { worker, daemon };            // a daemon (a server's loop) may still wait when the run ends
  enum class Ended { idle, deadline, stopped };  // why run() returned
  using Id = std::uint64_t;

  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  Time now() const { return Time{Span{agenda_.now()}}; }

  // Awaitable: resumes the caller after the given span, or at the given time; Span::max() and
  // Time::max() never come. Throws std::overflow_error past the clock's range, std::logic_error
  // for what is past.
  auto sleep(Span span) { return Sleep(*this, later(now(), span)); }
  auto sleep_until(Time at) { return Sleep(*this, at); }
  // The same for what nobody can be waiting for (a clock, background traffic): when nothing but idle events is left, a
  // run is over, or stuck, as if nothing were.
  // Beyond the clock's range: for ever.
  auto idle_sleep(Span span) { return Sleep(*this, later_or_never(now(), span), true); }
  auto idle_sleep_until(Time at) { return Sleep(*this, at, true); }
  // Awaitable: resumes the caller in phase 2 of this instant.
  auto turn(std::uint32_t key) { return Turn(*this, key); }

  // Resumes a coroutine, or calls a function, at a time, which is not past. The ticket takes it back
  // and is valid until then; Time::max() never comes and has no ticket (0).
  Ticket schedule(Time at, std::coroutine_handle<> who) { return schedule(at, who.address(), nullptr, 0); }
  Ticket schedule(Time at, void* target, Call call, std::uint32_t what, bool idle = false) {
    if (at == Time::max()) return 0;
    return agenda_.schedule(at.time_since_epoch().count(), target, call, what, idle);
  }
  void unschedule(Ticket ticket) { agenda_.cancel(ticket); }

  // Calls a function in phase 2 of this instant; at the end of this instant; after its end.
  void at_turn(std::uint32_t key, void* target, Call call, std::uint32_t what) {
    defer(key, target, call, what, nullptr);
  }
  void at_end_of_instant(void* target, Call call, std::uint32_t what) { ending_.push_back({target, call, what}); }
  void after_instant(void* target, Call call, std::uint32_t what) { after_.push_back({target, call, what}); }

  // Takes back what was put off to the end of this instant, or after it, for a target.
  void forget(const void* target);

  // Starts a process at this instant.
  Id spawn(std::string name, Task<> body, Kind kind = Kind::worker);
  // Cancels a process: destroys it, before the next event, with everything it holds. Unknown or
  // ended: nothing to do.
  void cancel(Id id);
  bool is_alive(Id id) const { return processes_.contains(id); }
  std::size_t alive() const { return processes_.size(); }

  // Destroys every process, the newest first. Not from inside a run: std::logic_error.
  void stop();
  // Lets run() return when this instant is over.
  void request_stop() { stop_requested_ = true; }

  // Runs until nothing is left; or until the next event would be past the deadline, on which the
  // clock then stands; or until a stop was requested. Throws Deadlock, ProcessFailed, LimitReached,
  // and what a callback throws.
  Ended run(Time deadline = Time::max());

  // At most n events in all (0: no limit).
  void limit_events(std::uint64_t n);
  // Calls it about every so many events; what it throws leaves run().
  void set_interrupt(std::function<void()> poll, std::uint64_t every = 1u << 16);

  // Ordinary events and turns fired so far; a hash of their stream (time, what, call or process) and
  // of the marks. It knows no addresses.
  std::uint64_t events() const { return events_; }
  std::uint64_t fingerprint() const { return fingerprint_; }
  // Mixes in a fact of the domain (who was served).
  void mark(std::uint64_t fact) { mix(fact); }

 private:
  friend class Waitable;
  struct Process {
    Id id;
    std::string name;
    Kind kind;
    std::optional<Task<>> root{};
    Ticket start = 0;  // until it has started
    std::exception_ptr failure{};
  };
  struct Deferred {
    std::uint32_t key, what;
    std::uint64_t order;
    void* target;  // null: withdrawn
    Call call;
    const Turn* turn;
  };
  struct Running;

  void mix(std::uint64_t x) { fingerprint_ = (std::rotl(fingerprint_, 25) ^ x) * 0x9e3779b97f4a7c15u; }
  void count(std::uint32_t what, unsigned kind) {
    mix(std::uint64_t(agenda_.now()) ^ (std::uint64_t(what) << 2 | kind) * 0xd6e8feb86659fd93u);
    ++events_;
  }
  void attend_if_due() {
    if (events_ >= attention_) attend();
  }
  void defer(std::uint32_t key, void* target, Call call, std::uint32_t what, const Turn* turn) {
    turns_.push_back({key, what, turns_.size(), target, call, turn});
  }
  void withdraw(const Turn* turn);
  void take_turns();
  void end_instant();
  void attend();
  void bury();
  void leave(Id id);
  Task<> supervise(Process& process, Task<> body);
  void report_stuck() const;

  Agenda agenda_;
  std::uint64_t events_ = 0, fingerprint_ = 0x2545f4914f6cdd1du;
  std::uint64_t attention_ = ~std::uint64_t{0};  // at this count of events something else is due
  std::uint64_t limit_ = ~std::uint64_t{0}, next_poll_ = ~std::uint64_t{0}, poll_every_ = 0;
  std::function<void()> poll_;
  std::vector<Deferred> turns_, taken_turns_;
  std::vector<Agenda::Event> ending_, ended_, after_;
  std::size_t after_done_ = 0;
  std::map<Id, Process> processes_;
  std::vector<Id> leaving_;  // ended or cancelled, not yet freed
  Id next_id_ = 0;
  Waitable* waitables_ = nullptr;
  bool running_ = false, stop_requested_ = false;
};

}  // namespace paceline
