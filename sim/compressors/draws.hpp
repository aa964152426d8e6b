// Draws: uniform numbers in [0, 1), a function of (seed, purpose, worker, step, entry): the key is a draw of the
// worker's stream, the entries are the outputs of splitmix64 from there.
#pragma once
#include "sim/core/random.hpp"

namespace paceline {

class Draws {
 public:
  Draws(std::uint64_t seed, std::string_view purpose, int worker, std::int64_t step)
      : key_(Stream(seed, purpose, std::uint64_t(worker)).bits(std::uint64_t(step))) {}

  double uniform(std::size_t entry) const {
    return double(std::int64_t(splitmix64(key_ + entry * 0x9E3779B97F4A7C15u) >> 11)) * 0x1p-53;
  }

 private:
  std::uint64_t key_;
};

}  // namespace paceline
