// Random numbers by counter: a draw is a function of (seed, purpose, entity, ordinal) and of nothing else, so that
// a worker's k-th jitter stays the same when another worker, a link or a strategy is added.
// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace paceline {

// Ten rounds of Philox on four 32-bit words.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

// One output of splitmix64 for the state x (Steele, Lea, Flood, OOPSLA'14).
constexpr std::uint64_t splitmix64(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

// The draws of one entity (a worker, a link, an epoch) for one purpose ("jitter", "shuffle").
class Stream {
 public:
  Stream(std::uint64_t seed, std::string_view purpose, std::uint64_t entity);

  std::uint64_t bits(std::uint64_t ordinal) const;
  double uniform(std::uint64_t ordinal) const;                            // in (0, 1), 52 bits, never 0 or 1
  std::uint64_t below(std::uint64_t bound, std::uint64_t ordinal) const;  // in [0, bound)

 private:
  std::array<std::uint32_t, 2> key_;
  std::uint64_t entity_;
};

// Inverse distribution functions at u in (0, 1), the same on every compiler (Boost.Math).
double normal_quantile(double u);               // mean 0, standard deviation 1
double exponential_quantile(double u);          // mean 1
double gamma_quantile(double shape, double u);  // scale 1

}  // namespace paceline
