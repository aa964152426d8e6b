#include "sim/strategies/aggregates/buckets.hpp"

#include <fmt/format.h>

namespace paceline {

namespace {
constexpr double most_buckets = 100'000;
}

std::vector<double> buckets_of(const Cost& cost, double backward, const BucketRule& rule) {
  const double total = cost.gradient_bytes();
  if (total / rule.size > most_buckets)
    throw ConfigError({}, "/training/strategy/aggregate/bucket",
                      fmt::format("{} of gradient in buckets of {} are more than {} buckets", show_bytes(total),
                                  show_bytes(rule.size), most_buckets));
  std::vector<double> buckets;
  double open = 0, yielded = 0, closed_at = 0;
  const auto limit = [&] { return buckets.empty() ? rule.first : rule.size; };
  for (double tensor : cost.tensor_bytes()) {
    open += tensor;
    yielded += tensor;
    const double now = cost.ready(0, yielded) * backward;
    if (open < limit() && now - closed_at < rule.time * (1 - 1e-12)) continue;
    buckets.push_back(open);
    open = 0;
    closed_at = now;
  }
  if (cost.tensor_bytes().empty()) {
    for (open = total; open > limit(); open -= buckets.back()) buckets.push_back(limit());
  }
  if (open > 0 || buckets.empty()) buckets.push_back(open);
  return buckets;
}

}  // namespace paceline
