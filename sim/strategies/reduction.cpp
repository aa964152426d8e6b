#include "sim/strategies/reduction.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace paceline {

void require(const Algorithm& algorithm, Op op, Training& training, std::string pointer) {
  require(algorithm, op, training.communicator(), std::move(pointer));
}

void require(const Algorithm& algorithm, Op op, Communicator& group, std::string pointer) {
  const std::string why = algorithm.chosen(op, group, 1).refuses(op, group);
  if (!why.empty())
    throw ConfigError({}, std::move(pointer),
                      fmt::format("{} cannot do {}: it {}", algorithm.name(), name_of(op), why));
}

Reduction::Reduction(Training& training, Communicator& group, const Algorithm& algorithm, Op op,
                     std::vector<double> bucket_bytes, ReductionRecord& record)
    : training_(training), group_(group), algorithm_(algorithm), op_(op), record_(record) {
  for (double bytes : bucket_bytes) buckets_.emplace_back().bytes = bytes;
}

Collective& Reduction::bucket(std::size_t index) {
  Bucket& bucket = buckets_[index];
  if (!bucket.collective) {
    bucket.collective = make_collective(algorithm_, op_, group_, bucket.bytes, &bucket.lower_bound);
    ++record_.collectives;
  }
  return *bucket.collective;
}

Check ReductionRecord::check() const {
  const std::string found =
      least_margin < 1e300 ? fmt::format("least time over bound {:.6f}", least_margin) : "no bound";
  return {"collective at least its lower bound", least_margin >= 1 - 1e-6,
          fmt::format("{} of {} collectives", found, collectives)};
}

Task<> Reduction::Lane::run(bool wait_for_backward) {
  stays_.reserve(of_.buckets_.size());
  for (std::size_t i = 0; i < of_.buckets_.size(); ++i) {
    if (wait_for_backward) co_await worker_.ready(int(i) + 1);
    co_await next();
  }
}

Task<> Reduction::Lane::next() {
  const Engine& engine = of_.training_.engine();
  const std::size_t index = stays_.size();
  Bucket& bucket = of_.buckets_[index];
  Collective& collective = of_.bucket(index);
  if (index == 0) stays_.reserve(of_.buckets_.size());
  stays_.push_back({engine.now(), Time::max()});
  if (bucket.joined == 0) bucket.first_joined = engine.now();
  bucket.ranks += rank_;
  if (++bucket.joined == of_.group_.size()) {
    bucket.last_joined = engine.now();
    bucket.last = worker_.rank();
    bucket.path = path_to_join(index);
    bucket.path.share();
  }
  {
    const Device::Communication communication(of_.training_.cluster().device(worker_.rank()));
    co_await collective.member(rank_);
  }
  stays_.back().left = engine.now();
  worker_.tell_communication(name_of(of_.op_), of_.buckets_.size() > 1 ? std::int64_t(index) : -1, stays_.back().joined,
                             engine.now(), bucket.last_joined, bucket.bytes);
  if (++bucket.left < of_.group_.size()) co_return;
  const bool by_its_routes = of_.training_.cluster().network().statistics().rerouted == 0;  // a detour may be faster
  if (bucket.lower_bound > 0 && by_its_routes)
    of_.record_.least_margin =
        std::min(of_.record_.least_margin, to_seconds(engine.now() - bucket.first_joined) / bucket.lower_bound);
  bucket.collective.reset();
}

std::vector<Reduction::Lane::Period> Reduction::Lane::moving() const {
  std::vector<Period> periods;
  for (std::size_t i = 0; i < stays_.size(); ++i)
    periods.push_back({std::max(stays_[i].joined, of_.buckets_[i].last_joined), stays_[i].left});
  return periods;
}

Span Reduction::Lane::moving_before(Time time) const {
  Span sum{0};
  for (const Period& period : moving())
    if (std::min(period.until, time) > period.from) sum += std::min(period.until, time) - period.from;
  return sum;
}

// The last to join; before that the only one that has not, if there is one.
int Reduction::awaited(const Bucket& bucket) const {
  const std::int64_t n = group_.size();
  if (bucket.joined < n - 1) return nobody;
  return bucket.joined == n ? bucket.last : group_.member(int(n * (n - 1) / 2 - bucket.ranks));
}

// Either its bucket before has just come through, or its own work.
Path Reduction::Lane::path_to_join(std::size_t index) const {
  const Time now = of_.training_.engine().now();
  if (index == 0 || stays_[index - 1].left < now || of_.buckets_[index - 1].last_joined > now) return worker_.path();
  Path path = of_.buckets_[index - 1].path;
  path.add(Activity::communication, now);
  return path;
}

void Reduction::Lane::hand_over(Time from, Time to, Path& path) const {
  if (from == to) return;
  for (std::size_t i = stays_.size(); i-- > 0;) {
    if (stays_[i].left != to || of_.buckets_[i].last_joined > to) continue;
    path = of_.buckets_[i].path;
    path.add(Activity::communication, to);
    return;
  }
}

void Reduction::Lane::split(Time from, Time to, const Spend& spend) const {
  for (std::size_t i = 0; i < stays_.size(); ++i) {
    const Time until = std::min(stays_[i].left, to);
    if (until <= from) continue;
    spend(Activity::wait, std::min(of_.buckets_[i].last_joined, until), of_.awaited(of_.buckets_[i]));
    spend(Activity::communication, until, nobody);
  }
  spend(Activity::communication, to, nobody);
}

}  // namespace paceline
