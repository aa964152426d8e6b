// Task<T>: a coroutine that runs when it is awaited and hands its result, or its exception, to
// whoever awaits it.
//
// A Task owns its coroutine frame. Destroying a Task destroys the frame, the frames of the tasks that
// it awaits, and every local in them: cancelling is destroying.
#pragma once
#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "sim/core/frame_pool.hpp"

namespace paceline {

template <class T = void>
class [[nodiscard]] Task;

// What all promises share. `parent` leads from a waiting frame to its process, for reports.
struct Frame {
  static void* operator new(std::size_t size) { return FramePool::take(size); }
  static void operator delete(void* frame, std::size_t size) { FramePool::give(frame, size); }

  std::coroutine_handle<> continuation = std::noop_coroutine();
  Frame* parent = nullptr;
  std::exception_ptr error;

  struct ResumeContinuation {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
      return self.promise().continuation;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  ResumeContinuation final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }
};

// The frame behind a handle, for who keeps a waiter; null if it is not a Task's.
template <class Promise>
Frame* frame_of(std::coroutine_handle<Promise> who) {
  if constexpr (std::derived_from<Promise, Frame>) return &who.promise();
  else return nullptr;
}

// co_await ThisCoroutine{} gives a coroutine itself, and does not suspend.
struct [[nodiscard]] ThisCoroutine {
  std::coroutine_handle<> who{};
  Frame* frame = nullptr;
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    who = self;
    frame = frame_of(self);
    return false;
  }
  ThisCoroutine await_resume() const noexcept { return *this; }
};

namespace detail {

template <class T>
struct Promise : Frame {
  std::optional<T> value;
  Task<T> get_return_object();
  void return_value(T v) { value.emplace(std::move(v)); }
  T result() {
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : Frame {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void result() const {
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle frame) : frame_(frame) {}
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Task& operator=(Task other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }

  struct [[nodiscard]] Awaiter {
    Handle frame;
    bool await_ready() const noexcept { return frame.done(); }
    // Runs the task on the spot. If it ends without waiting, the awaiter just goes on:
    // g++ 12 makes no tail call here in a debug or sanitizer build, and a symmetric
    // transfer in a long loop would overflow the stack.
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> awaiter) const {
      frame.resume();
      if (frame.done()) return false;
      frame.promise().continuation = awaiter;
      frame.promise().parent = frame_of(awaiter);
      return true;
    }
    T await_resume() const { return frame.promise().result(); }
  };
  Awaiter operator co_await() const noexcept { return {frame_}; }

  // For the engine and for combinators: drive the frame by hand.
  Handle frame() const noexcept { return frame_; }

 private:
  Handle frame_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(Task<T>::Handle::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() { return Task<void>(Task<void>::Handle::from_promise(*this)); }
}  // namespace detail

}  // namespace paceline
