#include "sim/experiment/compare/pareto.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <numeric>

namespace paceline::compare {

std::vector<bool> pareto_front(const std::vector<std::array<double, 3>>& costs) {
  std::vector<std::size_t> order(costs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return costs[a] < costs[b]; });
  std::vector<bool> front(costs.size(), false);
  std::map<double, double> stairs;  // the least third cost for a second cost up to this one: falling
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& cost = costs[order[i]];
    if (i > 0 && cost == costs[order[i - 1]]) {
      front[order[i]] = front[order[i - 1]];
      continue;
    }
    const auto after = stairs.upper_bound(cost[1]);
    if (after != stairs.begin() && std::prev(after)->second <= cost[2]) continue;
    front[order[i]] = true;
    auto worse = stairs.insert_or_assign(cost[1], cost[2]).first;
    for (++worse; worse != stairs.end() && worse->second >= cost[2];) worse = stairs.erase(worse);
  }
  return front;
}

}  // namespace paceline::compare
