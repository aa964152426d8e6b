// Path: where the time since 0 went along the chain of activities that had to come one after the other for something to
// be as it is now; of a run's end it is the critical path. Whatever goes on carries its own path forward: what it does
// is added, and what it was blocked on hands over the path that led there. Both are as long as the clock then, so a
// hand-over leaves no gap and no overlap, and memory does not grow with the length of a run.
#pragma once
#include <array>
#include <memory>
#include <numeric>
#include <vector>

#include "sim/core/record.hpp"

namespace paceline {

constexpr int most_blamed_workers = 1024;  // above, who waited for whom and paths by worker are not kept

class Path {
 public:
  // `workers`: whose shares are kept, or 0.
  explicit Path(int workers = 0) : workers_(std::size_t(workers)) {}

  Time end() const { return end_; }
  Span spent(Activity activity) const { return spent_[std::size_t(activity)]; }
  Span sum() const { return std::accumulate(spent_.begin(), spent_.end(), Span{0}); }
  // The worker whose compute came last; -1: there was none.
  int worker() const { return worker_; }
  Span computed(int worker) const {
    const Span before = shares_ ? (*shares_)[std::size_t(worker)] : Span{0};
    return worker == worker_ ? before + latest_ : before;
  }

  // Goes on until then; compute is a worker's.
  void add(Activity activity, Time until, int worker = -1) {
    if (until <= end_) return;
    const Span span = until - end_;
    end_ = until;
    spent_[std::size_t(activity)] += span;
    if (activity != Activity::compute) return;
    if (worker != worker_) {
      share();
      worker_ = worker;
    }
    if (workers_ > 0) latest_ += span;
  }
  // Before it is handed to many: what they will all copy is then made once.
  void share() {
    if (latest_ == Span{0}) return;
    if (!shares_) shares_ = std::make_shared<std::vector<Span>>(workers_);
    else if (shares_.use_count() > 1) shares_ = std::make_shared<std::vector<Span>>(*shares_);
    (*shares_)[std::size_t(worker_)] += latest_;
    latest_ = Span{0};
  }

 private:
  std::size_t workers_;
  Time end_{};
  std::array<Span, activities> spent_{};
  int worker_ = -1;
  Span latest_{0};                             // its compute that is not among the shares yet
  std::shared_ptr<std::vector<Span>> shares_;  // of compute, by worker; changed by a sole holder only
};

}  // namespace paceline
