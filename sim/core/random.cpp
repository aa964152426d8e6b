#include "sim/core/random.hpp"

#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <numbers>

namespace paceline {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = 0xD2511F53ull * c[0], b = 0xCD9E8D57ull * c[2];
    c = {std::uint32_t(b >> 32) ^ c[1] ^ k[0], std::uint32_t(b), std::uint32_t(a >> 32) ^ c[3] ^ k[1],
         std::uint32_t(a)};
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return c;
}

Stream::Stream(std::uint64_t seed, std::string_view purpose, std::uint64_t entity) : entity_(entity) {
  std::uint64_t name = 0xCBF29CE484222325u;  // FNV-1a
  for (unsigned char letter : purpose) name = (name ^ letter) * 0x100000001B3u;
  const std::uint64_t key = splitmix64(splitmix64(seed) ^ name);
  key_ = {std::uint32_t(key), std::uint32_t(key >> 32)};
}

std::uint64_t Stream::bits(std::uint64_t ordinal) const {
  const auto out = philox(
      {std::uint32_t(ordinal), std::uint32_t(ordinal >> 32), std::uint32_t(entity_), std::uint32_t(entity_ >> 32)},
      key_);
  return std::uint64_t(out[1]) << 32 | out[0];
}

double Stream::uniform(std::uint64_t ordinal) const { return (double(bits(ordinal) >> 12) + 0.5) * 0x1p-52; }

std::uint64_t Stream::below(std::uint64_t bound, std::uint64_t ordinal) const {
  __extension__ using Wide = unsigned __int128;
  return std::uint64_t(Wide(bits(ordinal)) * bound >> 64);
}

double normal_quantile(double u) { return -std::numbers::sqrt2 * boost::math::erfc_inv(2 * u); }
double exponential_quantile(double u) { return -std::log1p(-u); }
double gamma_quantile(double shape, double u) { return boost::math::gamma_p_inv(shape, u); }

}  // namespace paceline
