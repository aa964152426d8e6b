#include "sim/strategies/meeting.hpp"

#include <fmt/format.h>

#include <numeric>
#include <utility>

namespace paceline {

Meeting::Meeting(Training& training, std::vector<int> ranks, AlgorithmMaker algorithm, ReductionRecord& record,
                 const std::string& pointer)
    : training_(training),
      ranks_(std::move(ranks)),
      group_(int(ranks_.size()) == training.workers() ? training.communicator()
                                                      : training.communicator().group(ranks_)),
      algorithm_(std::move(algorithm)),
      record_(record) {
  require(*algorithm_, Op::all_reduce, group_, pointer);
}

Task<> Meeting::meet(Worker& me, std::int64_t number, double bytes, std::function<void()> first,
                     std::function<void()> last) {
  Round& round =
      rounds_.try_emplace(number, Round{Reduction(training_, group_, *algorithm_, Op::all_reduce, {bytes}, record_)})
          .first->second;
  const int rank = int(std::lower_bound(ranks_.begin(), ranks_.end(), me.rank()) - ranks_.begin());
  Reduction::Lane lane(round.reduction, me, rank);
  co_await me.blocked(lane.run(false), lane);
  if (round.left++ == 0) first();
  if (round.left < ranks_.size()) co_return;
  if (last) last();
  rounds_.erase(number);
}

namespace {

// The switch behind which a worker sits: the first vertex outside of hosts on its way to another host's worker.
int rack_of(Training& training, int rank, const std::vector<std::vector<int>>& hosts) {
  const Communicator& all = training.communicator();
  const Topology& topology = training.cluster().topology();
  const int own = topology.host(all.node(rank));
  for (const std::vector<int>& host : hosts) {
    if (topology.host(all.node(host[0])) == own) continue;
    std::vector<LinkId> way;
    all.route(rank, host[0], way);
    for (const LinkId link : way)
      if (const int to = topology.ends(link).to; topology.host(to) < 0) return to;
    throw ConfigError({}, "/training/strategy/group", "cannot be \"rack\": this topology has no switches");
  }
  return -1;
}

}  // namespace

std::vector<std::vector<int>> Grouping::of(Training& training) const {
  if (by == By::host) return training.communicator().hosts();
  std::vector<std::vector<int>> groups;
  std::map<int, std::size_t> places;
  const std::vector<std::vector<int>> hosts = training.communicator().hosts();
  for (int rank = 0; rank < training.workers(); ++rank) {
    const int key = by == By::size ? rank / size : rack_of(training, rank, hosts);
    const std::size_t place = places.try_emplace(key, groups.size()).first->second;
    if (place == groups.size()) groups.emplace_back();
    groups[place].push_back(rank);
  }
  return groups;
}

Grouping read_grouping(Reader& in) {
  Grouping grouping;
  const std::string by = in.text("group", {.choices = {"host", "rack"},
                                           .fallback = "host",
                                           .help = "workers of one host, or behind one switch, are a group"});
  if (by == "rack") grouping.by = Grouping::By::rack;
  const auto size = in.optional_integer(
      "group_size", {.minimum = 1, .maximum = 1 << 24, .help = "so many workers each are a group instead, in order"});
  if (size && !in.describing() && in.has("group")) in.fail("group_size", "and \"group\" exclude each other");
  if (size) grouping = {Grouping::By::size, int(*size)};
  return grouping;
}

}  // namespace paceline
