// VirtualTime: the flows that one bottleneck limits, on a clock of their own, as in generalized processor sharing
// (Parekh and Gallager, IEEE/ACM Transactions on Networking 1(3), 1993):
//     V(t) = integral of the level over time, in bytes per weight.
// A flow that has r bytes left when it joins ends when V reaches V(then) + r / weight, whatever the level does
// meanwhile: a new level costs the same for one flow and for a thousand. The flows wait in a binary heap, in the order
// (end, ordinal).
#pragma once
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "sim/core/time.hpp"

namespace paceline {

class VirtualTime {
 public:
  static constexpr int flow_bits = 24;
  // Where each flow is in its heap, by flow.
  using Places = std::vector<std::uint32_t>;

  bool empty() const { return heap_.empty(); }
  double level() const { return level_; }  // bytes per weight and picosecond
  double at(Time now) const { return passed_ + level_ * double((now - updated_).count()); }
  void start(double level, Time now) {
    passed_ = 0;
    updated_ = now;
    level_ = level;
  }
  void set_level(double level, Time now) {
    passed_ = at(now);
    updated_ = now;
    level_ = level;
  }

  // `order`: ordinal << flow_bits | flow.
  void add(double end, std::uint64_t order, Places& places) {
    heap_.emplace_back();
    rise(heap_.size() - 1, {end, order}, places);
  }
  void remove(std::uint32_t flow, Places& places) {
    const std::size_t i = places[flow];
    const End last = heap_.back();
    heap_.pop_back();
    if (heap_.empty()) passed_ = 0;  // the smaller, the more exact
    if (i == heap_.size()) return;
    if (i > 0 && last < heap_[(i - 1) / 2]) rise(i, last, places);
    else sink(i, last, places);
  }
  std::uint32_t first() const { return std::uint32_t(heap_[0].order & ((1u << flow_bits) - 1)); }

  // The time to the first end, in picoseconds; infinite when the level is 0. The second: whether it is now, to the
  // tick.
  double until_first(Time now) const {
    return level_ > 0 ? (heap_[0].end - at(now)) / level_ : std::numeric_limits<double>::infinity();
  }
  bool first_is_due(Time now) const { return level_ > 0 && heap_[0].end - at(now) < 0.5 * level_; }

 private:
  struct End {
    double end;
    std::uint64_t order;
    bool operator<(const End& other) const { return end != other.end ? end < other.end : order < other.order; }
  };
  void put(std::size_t i, const End& end, Places& places) {
    heap_[i].end = end.end;
    heap_[i].order = end.order;
    places[end.order & ((1u << flow_bits) - 1)] = std::uint32_t(i);
  }
  void rise(std::size_t i, const End& end, Places& places) {
    for (; i > 0 && end < heap_[(i - 1) / 2]; i = (i - 1) / 2) put(i, heap_[(i - 1) / 2], places);
    put(i, end, places);
  }
  void sink(std::size_t i, const End& end, Places& places) {
    const std::size_t n = heap_.size();
    for (std::size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
      child += child + 1 < n && heap_[child + 1] < heap_[child];
      if (!(heap_[child] < end)) break;
      put(i, heap_[child], places);
      i = child;
    }
    put(i, end, places);
  }

  double level_ = 0, passed_ = 0;
  Time updated_{};
  std::vector<End> heap_;
};

}  // namespace paceline
