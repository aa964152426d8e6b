// direct: N - 1 messages of S/N bytes from every rank at once, one to each other: α + (N-1)/N S β on a switch that does
// not block. All-to-all, and the flat forms of all-gather and reduce-scatter.
#include "sim/comm/collective.hpp"

namespace paceline::collectives {
namespace {

class DirectCall final : public Collective {
 public:
  using Collective::Collective;

  Task<> member(int rank) override {
    const int n = size();
    for (int step = 1; step < n; ++step) {
      const int to = (rank + step) % n;
      send(port(rank, to), chunk(op_ == Op::all_gather ? rank : to));
    }
    for (int step = 1; step < n; ++step) {
      const int from = (rank + n - step) % n;
      Port& in = port(from, rank);
      co_await in.next();
      if (op_ == Op::reduce_scatter) add(in, chunk(rank));
      else keep(in, chunk(from));
    }
  }
};

class Direct final : public Algorithm {
 public:
  std::string name() const override { return "direct"; }
  std::string refuses(Op op, Communicator&) const override {
    const bool knows = op == Op::all_to_all || op == Op::reduce_scatter || op == Op::all_gather;
    return knows ? "" : "does all_to_all, reduce_scatter and all_gather";
  }
  std::unique_ptr<Collective> messages(Op op, Communicator& group, double bytes) const override {
    return std::make_unique<DirectCall>(group, op, bytes);
  }
  Plan plan(Op, Communicator& group, double bytes) const override {
    const int n = group.size();
    Phase phase;
    for (int rank = 0; rank < n; ++rank)
      for (int step = 1; step < n; ++step) {
        const int to = (rank + step) % n;
        phase.push_back({rank, to, bytes / n, group.latency(rank, to)});
      }
    return {phase};
  }
};

}  // namespace

AlgorithmMaker direct(Reader& in) {
  in.about("everybody to everybody at once: all_to_all, all_gather, reduce_scatter");
  return std::make_shared<Direct>();
}

}  // namespace paceline::collectives
