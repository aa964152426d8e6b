#include "sim/strategies/batches.hpp"

#include <numeric>
#include <utility>

#include "sim/core/random.hpp"

namespace paceline {

void Batches::append(int worker, std::int64_t k, std::vector<std::uint32_t>& out) {
  std::uint64_t position =
      (std::uint64_t(k) * std::uint64_t(workers_) + std::uint64_t(worker)) * std::uint64_t(batch_size_);
  for (int i = 0; i < batch_size_; ++i, ++position) {
    const std::uint64_t place = position % rows_;
    out.push_back(shuffled_ ? order(position / rows_)[place] : std::uint32_t(place));
  }
}

const std::vector<std::uint32_t>& Batches::order(std::uint64_t epoch) {
  std::vector<std::uint32_t>& order = orders_[epoch];
  if (!order.empty()) return order;
  order.resize(rows_);
  std::iota(order.begin(), order.end(), 0u);
  const Stream stream(seed_, "shuffle", epoch);
  for (std::size_t i = rows_ - 1; i > 0; --i) std::swap(order[i], order[stream.below(i + 1, i)]);
  constexpr std::size_t kept = 8;  // asynchronous workers straddle epochs
  if (orders_.size() > kept)
    orders_.erase(orders_.begin()->first == epoch ? std::prev(orders_.end()) : orders_.begin());
  return orders_[epoch];
}

}  // namespace paceline
