// recursive_doubling: in step i pairs of ranks at distance 2^i exchange all their bytes and add them: lg N (α + Sβ), N
// a power of two (Thakur et al. 2005). For small messages.
#include "sim/comm/collectives/recursive.hpp"

namespace paceline::collectives {
namespace {

class RecursiveDoublingCall final : public Collective {
 public:
  using Collective::Collective;

  Task<> member(int rank) override {
    for (int d = 1; d < size(); d *= 2) {
      Port &out = port(rank, rank ^ d), &in = port(rank ^ d, rank);
      send(out, all());
      co_await in.next();
      add(in, all());
    }
  }
};

class RecursiveDoubling final : public Algorithm {
 public:
  std::string name() const override { return "recursive_doubling"; }
  std::string refuses(Op op, Communicator& group) const override {
    if (op != Op::all_reduce) return "does all_reduce only";
    return power_below(group.size()) == group.size() ? "" : "needs a power of two of ranks";
  }
  std::unique_ptr<Collective> messages(Op op, Communicator& group, double bytes) const override {
    return std::make_unique<RecursiveDoublingCall>(group, op, bytes);
  }
  Plan plan(Op, Communicator& group, double bytes) const override {
    Plan plan;
    for (int d = 1; d < group.size(); d *= 2) plan.push_back(exchange(group, group.size(), d, bytes));
    return plan;
  }
};

}  // namespace

AlgorithmMaker recursive_doubling(Reader& in) {
  in.about("pairs exchange everything, lg N times: fewest messages, most bytes; N a power of two");
  return std::make_shared<RecursiveDoubling>();
}

}  // namespace paceline::collectives
