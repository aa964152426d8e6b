// Threads: a few threads that work through numbered jobs together with the caller. No job knows on which it runs.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace paceline {

class Threads {
 public:
  // In all, the caller included; 0: as many as the machine has processors.
  explicit Threads(int count);
  ~Threads();
  Threads(const Threads&) = delete;

  int count() const { return int(threads_.size()) + 1; }
  // Calls job(index, thread) for all indices below n; returns when all are done. Rethrows what a job threw.
  void run(std::size_t n, const std::function<void(std::size_t index, int thread)>& job);

 private:
  void serve(int thread);
  void work(int thread);

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(std::size_t, int)>* job_ = nullptr;
  std::size_t next_ = 0, end_ = 0, unfinished_ = 0;
  std::uint64_t round_ = 0;
  std::exception_ptr error_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace paceline
