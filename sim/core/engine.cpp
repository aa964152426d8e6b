// Engine: see engine.hpp for the order of an instant.
#include "sim/core/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace paceline {

namespace {
constexpr std::size_t shown = 20;  // stuck processes in a message

std::string text_of(Time at, const std::vector<Deadlock::Stuck>& all, const std::vector<std::string>& faults) {
  std::string text =
      fmt::format("deadlock at t = {:.12g} s: nothing is left to happen, but {} wait{}", to_seconds(at),
                  all.size() == 1 ? "a process" : fmt::format("{} processes", all.size()), all.size() == 1 ? "s" : "");
  for (std::size_t i = 0; i < std::min(faults.size(), shown); ++i) text += "\n  " + faults[i];
  for (std::size_t i = 0; i < std::min(all.size(), shown); ++i)
    text += fmt::format("\n  {} waits for {}", all[i].process, all[i].waits_on);
  if (all.size() > shown) text += fmt::format("\n  and {} more", all.size() - shown);
  return text;
}

void describe_into(std::string& text, const std::exception& error, std::size_t depth) {
  text += std::string(2 * depth, ' ') + error.what();
  try {
    std::rethrow_if_nested(error);
  } catch (const std::exception& cause) { describe_into(text += '\n', cause, depth + 1); } catch (...) {
    text += '\n' + std::string(2 * depth + 2, ' ') + "an exception of unknown type";
  }
}
}  // namespace

Deadlock::Deadlock(Time at, std::vector<Stuck> all, const std::vector<std::string>& faults)
    : runtime_error(text_of(at, all, faults)), stuck(std::move(all)) {}

std::string describe(const std::exception& error) {
  std::string text;
  describe_into(text, error, 0);
  return text;
}

Waitable::Waitable(Engine& engine) : engine_(&engine), before_(nullptr), after_(engine.waitables_) {
  if (after_) after_->before_ = this;
  engine.waitables_ = this;
}
Waitable::~Waitable() {
  if (!engine_) return;
  if (after_) after_->before_ = before_;
  (before_ ? before_->after_ : engine_->waitables_) = after_;
}

Engine::~Engine() {
  running_ = false;
  stop();
  for (Waitable* w = waitables_; w; w = w->after_) w->engine_ = nullptr;
}

Engine::Id Engine::spawn(std::string name, Task<> body, Kind kind) {
  const Id id = next_id_++;
  Process& process = processes_.emplace(id, Process{id, std::move(name), kind}).first->second;
  process.root.emplace(supervise(process, std::move(body)));
  process.start = schedule(now(), process.root->frame());
  return id;
}

Task<> Engine::supervise(Process& process, Task<> body) {
  process.start = 0;
  try {
    co_await body;
  } catch (...) { process.failure = std::current_exception(); }
  leave(process.id);
}

void Engine::cancel(Id id) {
  leave(id);
  if (!running_) bury();
}

void Engine::leave(Id id) {
  leaving_.push_back(id);
  attention_ = 0;
}

void Engine::stop() {
  if (running_) throw std::logic_error("stop: not from inside a run; request_stop() ends it");
  while (!processes_.empty()) {
    const auto newest = processes_.extract(std::prev(processes_.end()));
    unschedule(newest.mapped().start);
  }
  leaving_.clear();
}

struct Engine::Running {
  explicit Running(Engine& e) : engine(e) {
    if (std::exchange(e.running_, true)) throw std::logic_error("run: the engine runs already");
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { engine.running_ = engine.stop_requested_ = false; }
  Engine& engine;
};

Engine::Ended Engine::run(Time deadline) {
  const Running guard(*this);
  for (;;) {
    for (Agenda::Event event; agenda_.next(event);) {
      count(event.what, event.call != nullptr);
      event.fire();
      attend_if_due();
    }
    if (!turns_.empty()) {
      take_turns();
    } else if (!ending_.empty() || !after_.empty()) {
      end_instant();
    } else {
      if (stop_requested_) return Ended::stopped;
      Agenda::Ticks at = 0;
      if (!agenda_.peek(at) || agenda_.only_idle()) {
        report_stuck();
        return Ended::idle;
      }
      if (at > deadline.time_since_epoch().count()) {
        if (deadline > now()) agenda_.pass(deadline.time_since_epoch().count());
        return Ended::deadline;
      }
      agenda_.advance();
    }
  }
}

// Phase 2: one batch. What is deferred meanwhile waits for the next.
void Engine::take_turns() {
  taken_turns_.clear();
  taken_turns_.swap(turns_);
  const auto earlier = [](const Deferred& a, const Deferred& b) {
    return a.key != b.key ? a.key < b.key : a.order < b.order;
  };
  std::sort(taken_turns_.begin(), taken_turns_.end(), earlier);
  for (const Deferred& turn : taken_turns_) {
    if (!turn.target) continue;
    count(turn.key, 2u | (turn.call != nullptr));
    Agenda::Event{turn.target, turn.call, turn.what}.fire();
    attend_if_due();
  }
  taken_turns_.clear();
}

void Engine::withdraw(const Turn* turn) {
  for (auto* list : {&turns_, &taken_turns_})
    for (Deferred& deferred : *list)
      if (deferred.turn == turn) {
        deferred.target = nullptr;
        deferred.turn = nullptr;
        return;
      }
}

// Phase 3: all that was put off to the end, or else the first of what comes after it.
void Engine::end_instant() {
  if (!ending_.empty()) {
    ended_.clear();
    ended_.swap(ending_);
    for (const Agenda::Event& event : ended_) {
      event.fire();
      attend_if_due();
    }
    return;
  }
  const Agenda::Event event = after_[after_done_++];
  if (after_done_ == after_.size()) {
    after_.clear();
    after_done_ = 0;
  }
  event.fire();
  attend_if_due();
}

void Engine::forget(const void* target) {
  for (auto* list : {&ending_, &ended_, &after_})
    for (Agenda::Event& event : *list)
      if (event.target == target) event.call = [](void*, std::uint32_t) {};
}

void Engine::limit_events(std::uint64_t n) {
  limit_ = n ? n + 1 : ~std::uint64_t{0};
  attention_ = 0;
}

void Engine::set_interrupt(std::function<void()> poll, std::uint64_t every) {
  poll_ = std::move(poll);
  poll_every_ = std::max<std::uint64_t>(every, 1);
  next_poll_ = poll_ ? events_ + poll_every_ : ~std::uint64_t{0};
  attention_ = 0;
}

void Engine::attend() {
  attention_ = std::min(limit_, next_poll_);
  bury();
  if (events_ >= next_poll_) {
    next_poll_ = events_ + poll_every_;
    attention_ = std::min(limit_, next_poll_);
    poll_();
  }
  if (events_ >= limit_)
    throw LimitReached(fmt::format("more than {} events by t = {:.12g} s", limit_ - 1, to_seconds(now())));
}

// Frees the frames of ended and of cancelled processes, outside of any of them.
void Engine::bury() {
  std::optional<std::pair<std::string, std::exception_ptr>> failed;
  for (std::size_t i = 0; i < leaving_.size(); ++i) {
    const auto process = processes_.extract(leaving_[i]);
    if (!process) continue;
    unschedule(process.mapped().start);
    if (process.mapped().failure && !failed) failed.emplace(process.mapped().name, process.mapped().failure);
  }
  leaving_.clear();
  if (!failed) return;
  try {
    std::rethrow_exception(failed->second);
  } catch (...) {
    std::throw_with_nested(
        ProcessFailed(fmt::format("process '{}' failed at t = {:.12g} s", failed->first, to_seconds(now()))));
  }
}

void Engine::report_stuck() const {
  std::unordered_map<const Frame*, Id> process_of;
  std::map<Id, Deadlock::Stuck> stuck;
  for (const auto& [id, process] : processes_) {
    if (process.kind != Kind::worker) continue;
    process_of[&process.root->frame().promise()] = id;
    stuck[id].process = process.name;
  }
  if (stuck.empty()) return;
  std::vector<Waitable::Waiter> waiters;
  for (const Waitable* w = waitables_; w; w = w->after_) w->waiters(waiters);
  for (const auto& [frame, what] : waiters) {
    const Frame* root = frame;
    while (root && root->parent) root = root->parent;
    const auto found = process_of.find(root);
    if (found == process_of.end()) continue;
    std::string& text = stuck[found->second].waits_on;
    text += (text.empty() ? "" : ", and for ") + what;
  }
  std::vector<Deadlock::Stuck> all;
  for (auto& [id, one] : stuck) {
    if (one.waits_on.empty()) one.waits_on = "something that has no name, or a time that never comes";
    all.push_back(std::move(one));
  }
  std::vector<std::string> faults;
  for (const Waitable* w = waitables_; w; w = w->after_) w->faults(faults);
  throw Deadlock(now(), std::move(all), faults);
}

}  // namespace paceline
