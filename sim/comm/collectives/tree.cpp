// tree: a binomial tree, reduced to its root and broadcast from there: 2(⌈lg N⌉ + P - 1)(α + cβ) in P pieces of c bytes
// where no links are shared; the broadcast alone is half of it, lg N (α + Sβ) in one piece (Thakur et al. 2005).
//
// A rank that speaks for the ranks [r, r + n) gives the larger half of them, ⌈n/2⌉ from r + ⌊n/2⌋ on, to a child, and
// goes on with the rest: of height ⌈lg N⌉ for every N, the binomial tree where N is a power of two.
#include "sim/comm/collectives/trees.hpp"

namespace paceline::collectives {
namespace {

Tree binomial(int n) {
  std::vector<int> parent(std::size_t(n), -1);
  const auto halve = [&](auto& self, int root, int ranks) -> void {
    if (ranks == 1) return;
    const int child = root + ranks / 2;
    parent[std::size_t(child)] = root;
    self(self, child, ranks - ranks / 2);
    self(self, root, ranks / 2);
  };
  halve(halve, 0, n);
  return make_tree(std::move(parent));
}

class BinomialTree final : public Algorithm {
 public:
  explicit BinomialTree(double chunk) : chunk_(chunk) {}
  std::string name() const override { return "tree"; }
  std::string refuses(Op op, Communicator&) const override {
    return op == Op::all_reduce || op == Op::broadcast ? "" : "does all_reduce and broadcast";
  }
  std::unique_ptr<Collective> messages(Op op, Communicator& group, double bytes) const override {
    return along_trees(op, group, bytes, chunk_, {binomial(group.size())});
  }
  Plan plan(Op op, Communicator& group, double bytes) const override {
    return plan_along_trees(op, group, bytes, chunk_, {binomial(group.size())});
  }

 private:
  double chunk_;
};

}  // namespace

AlgorithmMaker tree(Reader& in) {
  in.about("binomial tree, in pieces: reduced to rank 0, then broadcast");
  return std::make_shared<BinomialTree>(read_chunk(in));
}

}  // namespace paceline::collectives
