// by_label (McMahan et al. 2017, arXiv:1602.05629, section 3): rows are sorted by label and cut into equal shards, of
// which every worker gets some at random: most workers see few classes.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "models/partition.hpp"
#include "sim/core/errors.hpp"

namespace paceline::partitions {
namespace {

Shares deal_shards(const PartitionInput& input, std::size_t shards_per_worker) {
  const std::size_t shards = shards_per_worker * std::size_t(input.workers);
  if (shards > input.rows)
    throw ConfigError({}, "/workload/partition/shards_per_worker",
                      fmt::format("{} workers with {} shards need as many rows; there are {}", input.workers,
                                  shards_per_worker, input.rows));
  std::vector<std::uint32_t> sorted, order(shards);
  for (const auto& rows : rows_by_label(input)) sorted.insert(sorted.end(), rows.begin(), rows.end());
  std::iota(order.begin(), order.end(), 0u);
  shuffle(order, Stream(input.seed, "partition", 0));
  const auto begin = [&](std::size_t shard) { return sorted.begin() + std::ptrdiff_t(input.rows * shard / shards); };
  Shares shares(static_cast<std::size_t>(input.workers));
  for (std::size_t i = 0; i < shards; ++i) {
    std::vector<std::uint32_t>& share = shares[i / shards_per_worker];
    share.insert(share.end(), begin(order[i]), begin(order[i] + 1));
  }
  for (auto& share : shares) std::sort(share.begin(), share.end());
  return shares;
}

}  // namespace

PartitionMaker by_label(Reader& in) {
  in.about("shards of the rows sorted by label, some to each worker (McMahan et al. 2017)");
  const auto shards = in.integer("shards_per_worker",
                                 {.minimum = 1,
                                  .maximum = 1 << 20,
                                  .fallback = 2,
                                  .help = "equal pieces of the sorted rows; of one label each where these are long"});
  return {false, [shards](const PartitionInput& input) { return deal_shards(input, std::size_t(shards)); }};
}

}  // namespace paceline::partitions
