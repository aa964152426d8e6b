#include "sim/comm/plan.hpp"

#include <algorithm>

#include "sim/comm/communicator.hpp"

namespace paceline {
namespace {

// Seconds that each link is busy with some bursts.
class Load {
 public:
  explicit Load(const Communicator& group) : group_(group), seconds_(group.network().topology().links(), 0.0) {}
  void add(const Burst& burst) {
    group_.route(burst.from, burst.to, route_);
    for (const LinkId link : route_) seconds_[link] += burst.bytes / group_.network().nominal_capacity(link);
  }
  double longest(const Burst& burst) {
    group_.route(burst.from, burst.to, route_);
    double most = 0;
    for (const LinkId link : route_) most = std::max(most, seconds_[link]);
    return most;
  }
  double longest() const { return seconds_.empty() ? 0 : *std::max_element(seconds_.begin(), seconds_.end()); }
  void forget(const Burst& burst) {
    group_.route(burst.from, burst.to, route_);
    for (const LinkId link : route_) seconds_[link] = 0;
  }

 private:
  const Communicator& group_;
  std::vector<double> seconds_;
  std::vector<LinkId> route_;
};

}  // namespace

double seconds(const Plan& plan, const Communicator& group) {
  Load load(group);
  double sum = 0;
  for (const Phase& phase : plan) {
    for (const Burst& burst : phase) load.add(burst);
    double longest = 0;
    for (const Burst& burst : phase) longest = std::max(longest, to_seconds(burst.latency) + load.longest(burst));
    for (const Burst& burst : phase) load.forget(burst);
    sum += longest;
  }
  return sum;
}

double lower_bound(const Plan& plan, const Communicator& group) {
  Load load(group);
  for (const Phase& phase : plan)
    for (const Burst& burst : phase) load.add(burst);
  return load.longest();
}

}  // namespace paceline
