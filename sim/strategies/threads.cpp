#include "sim/strategies/threads.hpp"

#include <algorithm>

#include "models/model.hpp"

namespace paceline {

Threads::Threads(int count) {
  if (count == 0) count = int(std::max(1u, std::thread::hardware_concurrency()));
  single_threaded();
  for (int thread = 1; thread < count; ++thread) threads_.emplace_back([this, thread] { serve(thread); });
}

Threads::~Threads() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Threads::run(std::size_t n, const std::function<void(std::size_t, int)>& job) {
  if (n == 0) return;
  if (n == 1 || threads_.empty()) {
    for (std::size_t i = 0; i < n; ++i) job(i, 0);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    job_ = &job;
    next_ = 0;
    end_ = unfinished_ = n;
    ++round_;
  }
  wake_.notify_all();
  work(0);
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return unfinished_ == 0; });
  job_ = nullptr;
  if (error_) std::rethrow_exception(std::exchange(error_, {}));
}

void Threads::serve(int thread) {
  single_threaded();
  std::uint64_t seen = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return closing_ || round_ != seen; });
      if (closing_) return;
      seen = round_;
    }
    work(thread);
  }
}

void Threads::work(int thread) {
  for (;;) {
    std::size_t index;
    const std::function<void(std::size_t, int)>* job;
    {
      const std::lock_guard lock(mutex_);
      if (!job_ || next_ == end_) return;
      index = next_++;
      job = job_;
    }
    std::exception_ptr error;
    try {
      (*job)(index, thread);
    } catch (...) { error = std::current_exception(); }
    const std::lock_guard lock(mutex_);
    if (error && !error_) error_ = error;
    if (--unfinished_ == 0) done_.notify_all();
  }
}

}  // namespace paceline
