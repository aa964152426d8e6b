// Partition: which rows of the training set each worker draws its batches from.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "models/dataset.hpp"
#include "sim/core/random.hpp"

namespace paceline {

using Shares = std::vector<std::vector<std::uint32_t>>;  // rows by worker, ascending; each row is one worker's

// At least as many rows as workers.
struct PartitionInput {
  std::size_t rows = 0;
  int workers = 1;
  std::uint64_t seed = 0;
  int classes = 0;                       // 0: the rows have no classes
  std::span<const std::int32_t> labels;  // by row
  std::span<const double> speeds;        // of the workers' devices
};
struct PartitionMaker {
  bool needs_devices = false;
  std::function<Shares(const PartitionInput&)> split;  // empty: all workers draw from all rows. May throw ConfigError
};

namespace partitions {
const Registry<PartitionMaker>& all();
}

// The labels of the training set, by row; empty without classes.
std::vector<std::int32_t> training_labels(const Dataset& data);

// What rules are made of.

// `total` in whole parts in proportion to the weights, by largest remainder (ties: the first).
std::vector<std::size_t> apportion(std::size_t total, std::span<const double> weights);
// In random order.
void shuffle(std::vector<std::uint32_t>& rows, const Stream& stream);
// Random rows to each worker, as many as its weight says, and at least one.
Shares random_shares(const PartitionInput& input, std::span<const double> weights);
// Row numbers by label, ascending. Throws ConfigError where there are no classes.
Shares rows_by_label(const PartitionInput& input);
// A draw from the Dirichlet distribution with these parameters (above 0): normalized gamma variates, from logarithms,
// ln Γ(a) = ln Γ(a + 1) + ln(U)/a, so that tiny parameters do not all become 0.
std::vector<double> dirichlet_draw(std::span<const double> parameters, const Stream& stream);

}  // namespace paceline
