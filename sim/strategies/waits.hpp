// Waits: who waited for whom, a matrix of which only the rows of those who did are kept; above 1,024 workers only its
// sums.
#pragma once
#include <vector>

#include "sim/strategies/path.hpp"

namespace paceline {

class Waits {
 public:
  explicit Waits(int workers) : blamed_(std::size_t(workers)), unblamed_(std::size_t(workers)) {
    if (workers <= most_blamed_workers) rows_.resize(std::size_t(workers));
  }

  void add(int waiter, int blamed, Span span) {
    if (blamed == nobody) {
      unblamed_[std::size_t(waiter)] += span;
      return;
    }
    blamed_[std::size_t(blamed)] += span;
    if (rows_.empty()) return;
    std::vector<Span>& row = rows_[std::size_t(waiter)];
    if (row.empty()) row.resize(blamed_.size());
    row[std::size_t(blamed)] += span;
  }

  // By worker waited for; empty where that is not kept, or the worker waited for nobody.
  const std::vector<Span>& of(int waiter) const {
    static const std::vector<Span> none;
    return rows_.empty() ? none : rows_[std::size_t(waiter)];
  }
  bool by_waiter() const { return !rows_.empty(); }
  Span blamed(int worker) const { return blamed_[std::size_t(worker)]; }      // how much others waited for it
  Span unblamed(int waiter) const { return unblamed_[std::size_t(waiter)]; }  // how much it waited for nobody

 private:
  std::vector<std::vector<Span>> rows_;  // by waiter
  std::vector<Span> blamed_, unblamed_;
};

}  // namespace paceline
