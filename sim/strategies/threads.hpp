// Threads: a few threads that do jobs together with those who need them done. No job knows on which it runs, and none
// depends on another.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace paceline {

class Threads {
 public:
  // Done once, on some thread; `thread` is 0 on those who finish() it.
  using Work = std::function<void(int thread)>;
  class Job {
   private:
    friend class Threads;
    enum class State { waiting, running, done };
    Work work;
    const void* owner = nullptr;
    State state = State::waiting;
    std::exception_ptr error{};
  };
  using Ticket = std::shared_ptr<Job>;

  // In all, the one who finishes jobs included; 0: as many as the machine has processors.
  explicit Threads(int count);
  ~Threads();
  Threads(const Threads&) = delete;

  int count() const { return int(threads_.size()) + 1; }
  // Has it done some time. What it refers to must live until it is finished or abandoned.
  Ticket begin(const void* owner, Work work);
  // Returns when it is done, here if nobody has begun it; does the owner's other jobs meanwhile. Rethrows what it
  // threw.
  void finish(const Ticket& ticket);
  // Returns when it will not run any more.
  void abandon(const Ticket& ticket);
  // Calls job(index, thread) for all indices below n; returns when all are done. Rethrows what a job threw.
  void run(std::size_t n, const std::function<void(std::size_t index, int thread)>& job);

 private:
  using Lock = std::unique_lock<std::mutex>;
  void serve(int thread);
  void work(const Ticket& ticket, int thread, Lock& lock);
  bool take(const Ticket& ticket);
  Ticket next_of(const void* owner) const;

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::deque<Ticket> waiting_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace paceline
