#include "sim/strategies/threads.hpp"

#include <algorithm>
#include <utility>

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

Threads::Ticket Threads::begin(const void* owner, Work work) {
  auto ticket = std::make_shared<Job>();
  ticket->work = std::move(work);
  ticket->owner = owner;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(ticket);
  }
  wake_.notify_one();
  return ticket;
}

void Threads::finish(const Ticket& ticket) {
  Lock lock(mutex_);
  while (ticket->state != Job::State::done) {
    if (take(ticket)) work(ticket, 0, lock);
    else if (const Ticket other = next_of(ticket->owner); other && take(other)) work(other, 0, lock);
    else done_.wait(lock);
  }
  if (ticket->error) std::rethrow_exception(std::exchange(ticket->error, {}));
}

void Threads::abandon(const Ticket& ticket) {
  Lock lock(mutex_);
  if (!take(ticket)) done_.wait(lock, [&] { return ticket->state == Job::State::done; });
}

void Threads::run(std::size_t n, const std::function<void(std::size_t, int)>& job) {
  if (n == 1 || threads_.empty()) {
    for (std::size_t i = 0; i < n; ++i) job(i, 0);
    return;
  }
  std::vector<Ticket> tickets;
  for (std::size_t i = 0; i < n; ++i) tickets.push_back(begin(&job, [&job, i](int thread) { job(i, thread); }));
  std::exception_ptr error;
  for (const Ticket& ticket : tickets) {
    try {
      finish(ticket);
    } catch (...) {
      if (!error) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

void Threads::serve(int thread) {
  single_threaded();
  Lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return closing_ || !waiting_.empty(); });
    if (closing_) return;
    const Ticket next = waiting_.front();
    take(next);
    work(next, thread, lock);
  }
}

void Threads::work(const Ticket& ticket, int thread, Lock& lock) {
  lock.unlock();
  std::exception_ptr error;
  try {
    ticket->work(thread);
  } catch (...) { error = std::current_exception(); }
  lock.lock();
  ticket->error = std::move(error);
  ticket->state = Job::State::done;
  done_.notify_all();
}

// Whether it was still waiting.
bool Threads::take(const Ticket& ticket) {
  const auto at = std::find(waiting_.begin(), waiting_.end(), ticket);
  if (at == waiting_.end()) return false;
  waiting_.erase(at);
  ticket->state = Job::State::running;
  return true;
}

Threads::Ticket Threads::next_of(const void* owner) const {
  const auto at =
      std::find_if(waiting_.begin(), waiting_.end(), [&](const Ticket& each) { return each->owner == owner; });
  return at == waiting_.end() ? nullptr : *at;
}

}  // namespace paceline
