#include "sim/comm/collective.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/comm/fused.hpp"

namespace paceline {

Collective::Port::Port(Engine& engine, Connection& connection, int from, int to)
    : connection_(connection),
      from_(from),
      to_(to),
      in_(engine, fmt::format("messages of rank {} to rank {}", from, to)),
      out_(engine, fmt::format("deliveries of rank {} to rank {}", from, to)) {}

Collective::Port& Collective::port(int from, int to, unsigned channel) {
  const std::uint64_t key = std::uint64_t(channel) << 62 | std::uint64_t(from) << 31 | std::uint64_t(to);
  const auto found = ports_.find(key);
  if (found != ports_.end()) return found->second;
  return ports_.try_emplace(key, group_.engine(), group_.connection(from, to), from, to).first->second;
}

void Collective::send(Port& to, Part part) {
  if (has_values(to.from_)) {
    const std::span<float> sent = values(to.from_, part);
    to.values_.emplace_back(sent.begin(), sent.end());
  }
  group_.sent(to.from_, bytes(part));
  ++to.sent_;
  to.connection_.send(bytes(part), {&to, &Port::on_arrival, 0});
}

void Collective::take_in(Port& from, Part part) {
  group_.received(from.to_, bytes(part));
  from.values_.clear();
}

void Collective::take(Port& from, Part part, bool sum) {
  group_.received(from.to_, bytes(part));
  if (from.values_.empty()) return;
  const std::span<float> mine = values(from.to_, part);
  const Values& theirs = from.values_.front();
  const std::size_t both = std::min(mine.size(), theirs.size());  // parts may differ by one value
  for (std::size_t i = 0; i < both; ++i) mine[i] = sum ? mine[i] + theirs[i] : theirs[i];
  from.values_.pop_front();
}

std::span<float> Collective::values(int rank, Part part) const {
  const std::span<float> all = values_[std::size_t(rank)];
  const std::size_t begin = part.first * all.size() / part.of, end = (part.first + part.count) * all.size() / part.of;
  return all.subspan(begin, end - begin);
}

void Collective::reckon() {
  if (values_.empty()) return;
  const std::vector<std::span<float>>& given = values_;
  const std::size_t length = given[0].size();
  const auto n = std::size_t(size());
  std::vector<float> sum(length, 0.0f), before;
  if (op_ == Op::all_to_all)
    for (const auto& each : given) before.insert(before.end(), each.begin(), each.end());
  if (op_ == Op::all_reduce || op_ == Op::reduce_scatter)
    for (const auto& each : given)
      for (std::size_t i = 0; i < length; ++i) sum[i] += each[i];
  if (op_ == Op::broadcast) std::copy(given[0].begin(), given[0].end(), sum.begin());
  const auto copy = [](std::span<const float> from, std::span<float> to) {
    std::copy(from.begin(), from.begin() + std::ptrdiff_t(std::min(from.size(), to.size())), to.begin());
  };
  for (std::size_t r = 0; op_ == Op::all_gather && r < n; ++r) {
    const std::size_t begin = r * length / n, end = (r + 1) * length / n;
    std::copy(given[r].begin() + std::ptrdiff_t(begin), given[r].begin() + std::ptrdiff_t(end),
              sum.begin() + std::ptrdiff_t(begin));
  }
  for (std::size_t r = 0; r < n; ++r) {
    const int rank = int(r);
    if (op_ == Op::reduce_scatter)
      copy(std::span(sum).subspan(r * length / n, (r + 1) * length / n - r * length / n), values(rank, chunk(rank)));
    else if (op_ == Op::all_to_all)
      for (std::size_t q = 0; q < n; ++q)
        copy(std::span(before).subspan(q * length + r * length / n, (r + 1) * length / n - r * length / n),
             values(rank, chunk(int(q))));
    else copy(sum, given[r]);
  }
}

std::unique_ptr<Collective> make_collective(const Algorithm& algorithm, Op op, Communicator& group, double bytes,
                                            double* bound) {
  const Algorithm& chosen = algorithm.chosen(op, group, bytes);
  if (const std::string why = chosen.refuses(op, group); !why.empty())
    throw std::invalid_argument(fmt::format("{} by {}: {}", name_of(op), chosen.name(), why));
  const Fidelity fidelity = chosen.always_fluid() ? Fidelity::fluid : group.fidelity();
  group.used(op, chosen.name(), fidelity, bytes);
  const Communicator::Planned& planned = group.planned(chosen, op, bytes);
  if (bound) *bound = planned.lower_bound;
  if (fidelity == Fidelity::fluid) return chosen.messages(op, group, bytes);
  return std::make_unique<Fused>(group, op, bytes, planned.plan, fidelity == Fidelity::analytic);
}

}  // namespace paceline
