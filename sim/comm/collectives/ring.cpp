// ring: N ranks, each passes chunks of S/N bytes to its right neighbour: N-1 to reduce, N-1 to gather.
// Without contention: 2(N-1) α + 2 (N-1)/N S β (Patarasuk and Yuan 2009; Thakur et al. 2005); half of it for either.
//
// In step s = 1 … N-1 of reducing rank r sends chunk r - s and adds chunk r - s - 1, so that it ends with its own; of
// gathering, it sends chunk r - s + 1 and keeps chunk r - s. A rank hands over its next chunk when that of its left
// neighbour has come in; chunks to one neighbour go one after the other, so that a late rank's neighbours catch up in
// order. Fused: rank r's burst takes what its last chunk takes on its way over all hops, and at least what the bytes
// take on its own; and the N-1 additions of a chunk, where these are not free.
#include <fmt/format.h>

#include <algorithm>

#include "sim/comm/collective.hpp"

namespace paceline::collectives {
namespace {

// Seconds that adding a chunk takes, by its bytes: linear between measured ones, constant outside. Empty: none.
class Addition {
 public:
  Addition() = default;
  explicit Addition(std::vector<std::vector<double>> rows) : rows_(std::move(rows)) {}  // [bytes, us], by rising bytes
  double seconds(double bytes) const {
    if (rows_.empty()) return 0;
    const auto above =
        std::find_if(rows_.begin(), rows_.end(), [&](const std::vector<double>& row) { return row[0] >= bytes; });
    if (above == rows_.begin()) return rows_.front()[1] * 1e-6;
    if (above == rows_.end()) return rows_.back()[1] * 1e-6;
    const std::vector<double>& below = *(above - 1);
    const double share = (bytes - below[0]) / ((*above)[0] - below[0]);
    return (below[1] + share * ((*above)[1] - below[1])) * 1e-6;
  }

 private:
  std::vector<std::vector<double>> rows_;
};

class RingCall final : public Collective {
 public:
  RingCall(Communicator& group, Op op, double bytes, double addition)
      : Collective(group, op, bytes), addition_(span_of(addition)) {}

  Task<> member(int rank) override {
    const int n = size();
    if (n == 1) co_return;
    Port& right = port(rank, (rank + 1) % n);
    Port& left = port((rank + n - 1) % n, rank);
    for (int step = 1; op_ != Op::all_gather && step < n; ++step) {
      send(right, chunk(rank - step));
      co_await left.next();
      if (addition_ > Span{0}) co_await group_.engine().sleep(addition_);
      add(left, chunk(rank - step - 1));
    }
    for (int step = 1; op_ != Op::reduce_scatter && step < n; ++step) {
      send(right, chunk(rank - step + 1));
      co_await left.next();
      keep(left, chunk(rank - step));
    }
  }

 private:
  const Span addition_;  // of a chunk
};

class Ring final : public Algorithm {
 public:
  explicit Ring(Addition addition) : addition_(std::move(addition)) {}
  std::string name() const override { return "ring"; }
  std::string refuses(Op op, Communicator&) const override {
    const bool knows = op == Op::all_reduce || op == Op::reduce_scatter || op == Op::all_gather;
    return knows ? "" : "does all_reduce, reduce_scatter and all_gather";
  }
  std::unique_ptr<Collective> messages(Op op, Communicator& group, double bytes) const override {
    return std::make_unique<RingCall>(group, op, bytes, addition_.seconds(bytes / group.size()));
  }
  Plan plan(Op op, Communicator& group, double bytes) const override {
    const int n = group.size();
    if (n == 1) return {};
    const int steps = (op == Op::all_reduce ? 2 : 1) * (n - 1);
    const double chunk = bytes / n;
    std::vector<Span> latency;
    std::vector<double> hop;  // seconds of a chunk, by its sender
    double lap = 0;
    for (int rank = 0; rank < n; ++rank) {
      latency.push_back(group.latency(rank, (rank + 1) % n));
      hop.push_back(to_seconds(latency.back()) + chunk / group.bandwidth(rank, (rank + 1) % n));
      lap += hop.back();
    }
    const double adding = op == Op::all_gather ? 0 : (n - 1) * addition_.seconds(chunk);
    Phase phase;
    double rest = adding;  // of the way that ends with rank 0's hop, what whole laps leave
    for (int back = 0; back < steps % n; ++back) rest += hop[std::size_t((n - back) % n)];
    for (int rank = 0; rank < n; ++rank) {
      const auto here = std::size_t(rank);
      const double flowing = steps * chunk / group.bandwidth(rank, (rank + 1) % n);
      const double before = std::max(0.0, (steps / n) * lap + rest - flowing);
      phase.push_back({rank, (rank + 1) % n, steps * chunk, std::max(latency[here], span_of(before))});
      if (rank + 1 < n) rest += hop[here + 1] - hop[std::size_t((rank + 1 + n - steps % n) % n)];
    }
    return {phase};
  }

 private:
  Addition addition_;
};

}  // namespace

AlgorithmMaker ring(Reader& in) {
  in.about("2(N-1) messages of S/N bytes per rank (Patarasuk and Yuan 2009): least bytes, most messages");
  std::vector<std::vector<double>> rows;
  in.object("addition", "what adding a chunk takes; left out: nothing", [&](Reader& own) {
    if (!own.describing() && !own.present()) return;
    rows = own.table("table", "rows of [bytes, microseconds] by rising bytes; linear between, constant outside");
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (rows[i].size() != 2 || !(rows[i][1] >= 0) || !(rows[i][0] > (i == 0 ? 0 : rows[i - 1][0])))
        own.fail("table", fmt::format("row {} must be [bytes, microseconds], with more bytes than the one before", i));
  });
  return std::make_shared<Ring>(Addition(std::move(rows)));
}

}  // namespace paceline::collectives
