// Batches: which rows of the training set a worker's k-th batch takes (interface, Order). b_w is worker w's batch size,
// B the sum of all; every order is taken modulo its length, pass after pass.
//
// Shared data: one order, of which worker w's k-th batch takes rows [kB + Σ_{v<w} b_v, … + b_w). `shuffled` draws a
// permutation per pass from (seed, pass), by Fisher and Yates; `sequential` is the file's order.
// Shares: an order of each worker's own rows, of which its k-th batch takes [k b_w, (k + 1) b_w); `shuffled` draws from
// (seed, worker, pass).
#pragma once
#include <cstdint>
#include <map>
#include <vector>

#include "models/partition.hpp"

namespace paceline {

class Batches {
 public:
  // No shares: all workers draw from all rows.
  Batches(std::size_t rows, std::vector<int> sizes, bool shuffled, std::uint64_t seed, Shares shares = {});

  int size(int worker) const { return sizes_[std::size_t(worker)]; }
  std::uint64_t round() const { return before_.back(); }  // samples of one batch of every worker
  std::size_t rows() const { return rows_; }
  const Shares& shares() const { return shares_; }
  // Appends the rows of worker w's k-th batch.
  void append(int worker, std::int64_t k, std::vector<std::uint32_t>& out);

 private:
  using Order = std::vector<std::uint32_t>;
  const Order& order(std::uint64_t pass);
  const Order& own_order(int worker, std::uint64_t pass);

  std::size_t rows_;
  std::vector<int> sizes_;
  std::vector<std::uint64_t> before_;  // Σ sizes of the workers before, and of all
  bool shuffled_;
  std::uint64_t seed_;
  std::map<std::uint64_t, Order> orders_;  // of the latest passes
  Shares shares_;
  struct Own {
    std::uint64_t pass = 0;
    Order order;  // empty: not drawn
  };
  std::vector<Own> own_;  // the latest, by worker
};

}  // namespace paceline
