// dirichlet (Hsu, Qi, Brown 2019, arXiv:1909.06335, section 3): worker by worker, label proportions are drawn from
// Dirichlet(α p), p those of the whole set, and an equal share of the rows is taken by them without replacement. Where
// a label has run out, its part is taken in the same proportions from the others. α → ∞ is iid by label, α → 0 one
// label a worker.
#include <algorithm>
#include <numeric>

#include "models/partition.hpp"

namespace paceline::partitions {
namespace {

// How many rows of each label a worker of `size` rows takes of those that are left.
std::vector<std::size_t> take(std::size_t size, std::vector<double> wanted, const std::vector<std::size_t>& left) {
  std::vector<std::size_t> taken(left.size());
  while (size > 0) {
    for (std::size_t label = 0; label < left.size(); ++label)
      if (taken[label] == left[label]) wanted[label] = 0;
    if (std::accumulate(wanted.begin(), wanted.end(), 0.0) <= 0)
      for (std::size_t label = 0; label < left.size(); ++label) wanted[label] = double(left[label] - taken[label]);
    const std::vector<std::size_t> parts = apportion(size, wanted);
    for (std::size_t label = 0; label < left.size(); ++label) {
      const std::size_t more = std::min(parts[label], left[label] - taken[label]);
      taken[label] += more;
      size -= more;
    }
  }
  return taken;
}

Shares draw(const PartitionInput& input, double alpha) {
  Shares by_label = rows_by_label(input);
  std::erase_if(by_label, [](const auto& rows) { return rows.empty(); });
  std::vector<double> parameters;
  std::vector<std::size_t> left;
  for (std::size_t label = 0; label < by_label.size(); ++label) {
    shuffle(by_label[label], Stream(input.seed, "partition", label));
    left.push_back(by_label[label].size());
    parameters.push_back(alpha * double(left.back()) / double(input.rows));
  }
  Shares shares;
  const auto workers = std::size_t(input.workers);
  for (std::size_t w = 0; w < workers; ++w) {
    const std::size_t size = input.rows * (w + 1) / workers - input.rows * w / workers;
    const auto taken = take(size, dirichlet_draw(parameters, Stream(input.seed, "dirichlet", w)), left);
    std::vector<std::uint32_t>& share = shares.emplace_back();
    for (std::size_t label = 0; label < left.size(); ++label) {
      const auto end = by_label[label].begin() + std::ptrdiff_t(left[label]);
      share.insert(share.end(), end - std::ptrdiff_t(taken[label]), end);
      left[label] -= taken[label];
    }
    std::sort(share.begin(), share.end());
  }
  return shares;
}

}  // namespace

PartitionMaker dirichlet(Reader& in) {
  in.about("equal shares whose label proportions are drawn from a Dirichlet distribution (Hsu et al. 2019)");
  const double alpha = in.number("alpha", {.minimum = 0,
                                           .maximum = 1e9,
                                           .above_minimum = true,
                                           .help = "large: all workers alike; small: about one label each"});
  return {false, [alpha](const PartitionInput& input) { return draw(input, alpha); }};
}

}  // namespace paceline::partitions
