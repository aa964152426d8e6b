#include "sim/strategies/balance.hpp"

#include <fmt/format.h>

#include <limits>
#include <numeric>

#include "models/partition.hpp"

namespace paceline {

int samples_of(const std::vector<int>& sizes) {
  const std::int64_t sum = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  if (sum > std::numeric_limits<int>::max())
    throw ConfigError({}, "/workload/balance",
                      fmt::format("a step of all workers has {} samples, above 2^31 - 1", sum));
  return int(sum);
}

std::vector<int> share_out(int samples, std::span<const double> speeds) {
  std::vector<int> sizes(speeds.size(), 0);
  std::vector<std::size_t> sharing(speeds.size());
  std::iota(sharing.begin(), sharing.end(), std::size_t{0});
  for (auto left = std::size_t(samples);;) {
    if (left < sharing.size()) throw std::invalid_argument("fewer samples than workers");
    std::vector<double> weights;
    for (const std::size_t w : sharing) weights.push_back(speeds[w]);
    const std::vector<std::size_t> parts = apportion(left, weights);
    std::vector<std::size_t> with_some;
    for (std::size_t i = 0; i < sharing.size(); ++i) {
      sizes[sharing[i]] = std::max(1, int(parts[i]));
      if (parts[i] > 0) with_some.push_back(sharing[i]);
    }
    if (with_some.size() == sharing.size()) return sizes;
    left -= sharing.size() - with_some.size();
    sharing = std::move(with_some);
  }
}

}  // namespace paceline
