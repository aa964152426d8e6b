// Batches: which rows of the training set a worker's k-th batch takes (interface, Order). b_w is worker w's batch size,
// B the sum of all; every order is taken modulo its length, pass after pass.
//
// Shared data: one order, of which worker w's k-th batch takes rows [kB + Σ_{v<w} b_v, … + b_w). `shuffled` draws a
// permutation per pass from (seed, pass), by Fisher and Yates; `sequential` is the file's order.
// Shares: an order of each worker's own rows, of which its k-th batch takes [k b_w, (k + 1) b_w); `shuffled` draws from
// (seed, worker, pass).
// Where a balance shares steps out anew, a worker takes of its k-th step what that says: of shared data of the rows
// from kB on, which are the same whoever takes them; of its own rows the next ones.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "models/partition.hpp"
#include "sim/strategies/balance.hpp"

namespace paceline {

class Batches {
 public:
  // Consecutive places of an order.
  struct Slice {
    std::uint64_t begin = 0;
    int count = 0;
  };

  // No shares: all workers draw from all rows. No balance: sizes stay as they are.
  Batches(std::size_t rows, std::vector<int> sizes, bool shuffled, std::uint64_t seed, Shares shares = {},
          std::unique_ptr<Balance> balance = nullptr);

  int workers() const { return int(sizes_.size()); }
  int size(int worker) const { return sizes_[std::size_t(worker)]; }  // without a balance, or at the beginning
  Balance* balance() const { return balance_.get(); }
  std::uint64_t round() const { return before_.back(); }  // samples of one batch of every worker
  std::size_t rows() const { return rows_; }
  const Shares& shares() const { return shares_; }
  // Worker w's k-th batch, without a balance.
  Slice slice(int worker, std::int64_t k) const;
  // With one: what it takes next of its k-th step; a count of 0: there is nothing left.
  Slice take(int worker, std::int64_t k);
  // Appends the rows of these places, in a worker's order.
  void append(int worker, Slice slice, std::vector<std::uint32_t>& out);
  void append(int worker, std::int64_t k, std::vector<std::uint32_t>& out) { append(worker, slice(worker, k), out); }

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
  std::unique_ptr<Balance> balance_;
  std::vector<std::uint64_t> taken_;  // of its own rows, by worker
};

}  // namespace paceline
