#include "models/partition.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/core/errors.hpp"

namespace paceline {

std::vector<std::int32_t> training_labels(const Dataset& data) {
  const DataShape& shape = data.shape();
  if (shape.classes == 0) return {};
  constexpr std::size_t block = 1'000;
  std::vector<std::int32_t> labels(shape.train_rows);
  std::vector<float> x(block * std::size_t(shape.features));
  std::vector<std::uint32_t> rows(block);
  for (std::size_t first = 0; first < labels.size(); first += block) {
    rows.resize(std::min(block, labels.size() - first));
    std::iota(rows.begin(), rows.end(), std::uint32_t(first));
    data.fetch(Part::train, rows, x.data(), &labels[first]);
  }
  return labels;
}

std::vector<std::size_t> apportion(std::size_t total, std::span<const double> weights) {
  const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<std::size_t> parts;
  std::vector<std::pair<double, std::size_t>> rests;  // negative, so that the largest come first
  std::size_t dealt = 0;
  for (const double weight : weights) {
    const double exact = double(total) * (weight / all);
    parts.push_back(std::min(std::size_t(exact), total - dealt));
    dealt += parts.back();
    if (weight > 0) rests.emplace_back(double(parts.back()) - exact, rests.size());
    else rests.emplace_back(1, rests.size());
  }
  std::sort(rests.begin(), rests.end());
  for (std::size_t i = 0; dealt < total; ++i, ++dealt) ++parts[rests[i % rests.size()].second];
  return parts;
}

void shuffle(std::vector<std::uint32_t>& rows, const Stream& stream) {
  for (std::size_t i = rows.size(); i-- > 1;) std::swap(rows[i], rows[stream.below(i + 1, i)]);
}

Shares random_shares(const PartitionInput& input, std::span<const double> weights) {
  std::vector<std::uint32_t> rows(input.rows);
  std::iota(rows.begin(), rows.end(), 0u);
  shuffle(rows, Stream(input.seed, "partition", 0));
  std::vector<std::size_t> sizes = apportion(input.rows, weights);
  for (std::size_t& size : sizes) {
    if (size > 0) continue;
    --*std::max_element(sizes.begin(), sizes.end());
    size = 1;
  }
  Shares shares;
  auto next = rows.begin();
  for (const std::size_t size : sizes) {
    std::vector<std::uint32_t>& share = shares.emplace_back(next, next + std::ptrdiff_t(size));
    std::sort(share.begin(), share.end());
    next += std::ptrdiff_t(size);
  }
  return shares;
}

Shares rows_by_label(const PartitionInput& input) {
  if (input.classes == 0)
    throw ConfigError({}, "/workload/partition", "goes by labels, and this data set has no classes");
  Shares rows(static_cast<std::size_t>(input.classes));
  for (std::size_t row = 0; row < input.rows; ++row) rows[std::size_t(input.labels[row])].push_back(std::uint32_t(row));
  return rows;
}

std::vector<double> dirichlet_draw(std::span<const double> parameters, const Stream& stream) {
  std::vector<double> drawn;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    drawn.push_back(std::log(gamma_quantile(parameters[i] + 1, stream.uniform(2 * i))) +
                    std::log(stream.uniform(2 * i + 1)) / parameters[i]);
  const double largest = *std::max_element(drawn.begin(), drawn.end());
  for (double& each : drawn) each = std::exp(each - largest);
  const double sum = std::accumulate(drawn.begin(), drawn.end(), 0.0);
  for (double& each : drawn) each /= sum;
  return drawn;
}

}  // namespace paceline
