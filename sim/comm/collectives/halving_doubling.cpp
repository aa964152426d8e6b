// halving_doubling: reduce-scatter by recursive halving, then all-gather by recursive doubling (Rabenseifner; Thakur et
// al. 2005): 2 lg p α + 2 (p-1)/p S β for p ranks, a power of two; of others the last N - p are folded in and out:
// (2 lg p + 2) α + (2 (p-1)/p + 2) S β. Either half alone needs a power of two.
//
// While halving, rank r holds 2d parts that begin with the d-aligned part at or below r; it keeps the half in which r
// itself lies, and ends with part r.
#include "sim/comm/collectives/recursive.hpp"
#include "sim/core/sync.hpp"

namespace paceline::collectives {
namespace {

class HalvingDoublingCall final : public Collective {
 public:
  HalvingDoublingCall(Communicator& group, Op op, double bytes)
      : Collective(group, op, bytes), folded_(group.engine(), 0, "ranks folded in") {}

  Task<> member(int rank) override {
    const int p = power_below(size());
    if (rank >= p) {
      Port &out = port(rank, rank - p), &in = port(rank - p, rank);
      send(out, all());
      co_await in.next();
      keep(in, all());
      co_return;
    }
    const bool folds = rank + p < size();
    if (folds) {
      Port& in = port(rank + p, rank);
      co_await in.next();
      add(in, all());
      folded_.add(1);
    }
    co_await folded_.reaches(size() - p);
    for (int d = p / 2; op_ != Op::all_gather && d > 0; d /= 2) {
      Port &out = port(rank, rank ^ d), &in = port(rank ^ d, rank);
      send(out, parts(rank ^ d, d, p));
      co_await in.next();
      add(in, parts(rank, d, p));
    }
    for (int d = 1; op_ != Op::reduce_scatter && d < p; d *= 2) {
      Port &out = port(rank, rank ^ d), &in = port(rank ^ d, rank);
      send(out, parts(rank, d, p));
      co_await in.next();
      keep(in, parts(rank ^ d, d, p));
    }
    if (folds) send(port(rank, rank + p), all());
  }

 private:
  Counter folded_;  // nobody begins before: the messages of a step are simultaneous
  // The d parts in which that of a rank lies.
  static Part parts(int of_rank, int d, int p) {
    return {std::size_t(of_rank / d * d), std::size_t(d), std::size_t(p)};
  }
};

class HalvingDoubling final : public Algorithm {
 public:
  std::string name() const override { return "halving_doubling"; }
  std::string refuses(Op op, Communicator& group) const override {
    if (op == Op::all_reduce) return "";
    if (op != Op::reduce_scatter && op != Op::all_gather) return "does all_reduce, reduce_scatter and all_gather";
    return power_below(group.size()) == group.size() ? "" : "needs a power of two of ranks";
  }
  std::unique_ptr<Collective> messages(Op op, Communicator& group, double bytes) const override {
    return std::make_unique<HalvingDoublingCall>(group, op, bytes);
  }
  Plan plan(Op op, Communicator& group, double bytes) const override {
    const int p = power_below(group.size());
    Plan plan;
    if (p < group.size()) plan.push_back(fold(group, p, bytes, true));
    for (int d = p / 2; op != Op::all_gather && d > 0; d /= 2) plan.push_back(exchange(group, p, d, bytes * d / p));
    for (int d = 1; op != Op::reduce_scatter && d < p; d *= 2) plan.push_back(exchange(group, p, d, bytes * d / p));
    if (p < group.size()) plan.push_back(fold(group, p, bytes, false));
    return plan;
  }
};

}  // namespace

AlgorithmMaker halving_doubling(Reader& in) {
  in.about("recursive halving, then doubling (Rabenseifner): least bytes in 2 lg N steps; any N");
  return std::make_shared<HalvingDoubling>();
}

}  // namespace paceline::collectives
