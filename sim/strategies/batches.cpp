#include "sim/strategies/batches.hpp"

#include <fmt/format.h>

#include <iterator>
#include <numeric>
#include <utility>

#include "sim/core/random.hpp"

namespace paceline {

Batches::Batches(std::size_t rows, std::vector<int> sizes, bool shuffled, std::uint64_t seed, Shares shares,
                 std::unique_ptr<Balance> balance)
    : rows_(rows),
      sizes_(std::move(sizes)),
      shuffled_(shuffled),
      seed_(seed),
      shares_(std::move(shares)),
      own_(shares_.size()),
      balance_(std::move(balance)),
      taken_(shares_.size()) {
  before_.push_back(0);
  for (const int size : sizes_) before_.push_back(before_.back() + std::uint64_t(size));
}

Batches::Slice Batches::slice(int worker, std::int64_t k) const {
  const int batch = size(worker);
  if (!shares_.empty()) return {std::uint64_t(k) * std::uint64_t(batch), batch};
  return {std::uint64_t(k) * round() + before_[std::size_t(worker)], batch};
}

Batches::Slice Batches::take(int worker, std::int64_t k) {
  const Portion portion = balance_->take(worker, k);
  if (shares_.empty()) return {std::uint64_t(k) * round() + std::uint64_t(portion.offset), portion.count};
  std::uint64_t& taken = taken_[std::size_t(worker)];
  return {std::exchange(taken, taken + std::uint64_t(portion.count)), portion.count};
}

void Batches::append(int worker, Slice slice, std::vector<std::uint32_t>& out) {
  const bool own = !shares_.empty();
  const auto w = std::size_t(worker);
  const std::size_t length = own ? shares_[w].size() : rows_;
  const std::uint64_t end = slice.begin + std::uint64_t(slice.count);
  for (std::uint64_t position = slice.begin; position < end; ++position) {
    const std::uint64_t place = position % length, pass = position / length;
    if (own) out.push_back((shuffled_ ? own_order(worker, pass) : shares_[w])[place]);
    else out.push_back(shuffled_ ? order(pass)[place] : std::uint32_t(place));
  }
}

const Batches::Order& Batches::order(std::uint64_t pass) {
  Order& order = orders_[pass];
  if (!order.empty()) return order;
  order.resize(rows_);
  std::iota(order.begin(), order.end(), 0u);
  shuffle(order, Stream(seed_, "shuffle", pass));
  constexpr std::size_t kept = 8;  // asynchronous workers straddle passes
  if (orders_.size() > kept) orders_.erase(orders_.begin()->first == pass ? std::prev(orders_.end()) : orders_.begin());
  return orders_[pass];
}

const Batches::Order& Batches::own_order(int worker, std::uint64_t pass) {
  Own& own = own_[std::size_t(worker)];
  if (own.pass == pass && !own.order.empty()) return own.order;
  own = {pass, shares_[std::size_t(worker)]};
  shuffle(own.order, Stream(seed_, fmt::format("shuffle of worker {}", worker), pass));
  return own.order;
}

}  // namespace paceline
