// Batches: which rows of the training set a worker's k-th batch takes (interface, Order):
// rows [(kN + w) b, (kN + w + 1) b) of one order, modulo its length. `shuffled` draws a permutation per epoch from
// (seed, epoch), by Fisher and Yates; `sequential` is the file's order.
#pragma once
#include <cstdint>
#include <map>
#include <vector>

namespace paceline {

class Batches {
 public:
  Batches(std::size_t rows, int workers, int batch_size, bool shuffled, std::uint64_t seed)
      : rows_(rows), workers_(workers), batch_size_(batch_size), shuffled_(shuffled), seed_(seed) {}

  int size() const { return batch_size_; }
  std::size_t rows() const { return rows_; }
  // Appends the rows of worker w's k-th batch.
  void append(int worker, std::int64_t k, std::vector<std::uint32_t>& out);

 private:
  const std::vector<std::uint32_t>& order(std::uint64_t epoch);

  std::size_t rows_;
  int workers_, batch_size_;
  bool shuffled_;
  std::uint64_t seed_;
  std::map<std::uint64_t, std::vector<std::uint32_t>> orders_;  // of the latest epochs
};

}  // namespace paceline
