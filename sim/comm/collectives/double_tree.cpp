// double_tree: two binary trees at once, each for half of the bytes, such that a rank that passes on in one is a leaf
// in the other (Sanders, Speck and Träff 2009): 2(⌈lg N⌉ + P - 1)(α + cβ) in P pieces of c bytes of a half, where no
// links are shared.
//
// In the first tree rank r, whose lowest set bit is b, has the children r - b/2 and r + b/2, the latter with the next
// smaller power of two while that is beyond the last rank, and rank 0 the largest power of two below N. The second tree
// is its mirror image, r -> N - 1 - r for even N, r -> (N - r) mod N for odd N.
#include "sim/comm/collectives/trees.hpp"

namespace paceline::collectives {
namespace {

std::vector<int> binary(int n) {
  std::vector<int> parent(std::size_t(n), -1);
  for (int rank = 1; rank < n; ++rank) {
    int bit = rank & -rank;
    int up = (rank ^ bit) | (bit << 1);
    if (up >= n) up = rank ^ bit;
    parent[std::size_t(rank)] = up;
  }
  return parent;
}

std::vector<Tree> both(int n) {
  const std::vector<int> first = binary(n);
  std::vector<int> second(std::size_t(n), -1);
  const auto mirror = [n](int rank) { return n % 2 == 0 ? n - 1 - rank : (n - rank) % n; };
  for (int rank = 0; rank < n; ++rank) {
    const int up = first[std::size_t(mirror(rank))];
    second[std::size_t(rank)] = up < 0 ? -1 : mirror(up);
  }
  return {make_tree(first), make_tree(std::move(second))};
}

class DoubleTree final : public Algorithm {
 public:
  explicit DoubleTree(double chunk) : chunk_(chunk) {}
  std::string name() const override { return "double_tree"; }
  std::string refuses(Op op, Communicator&) const override {
    return op == Op::all_reduce ? "" : "does all_reduce only";
  }
  std::unique_ptr<Collective> messages(Op op, Communicator& group, double bytes) const override {
    return along_trees(op, group, bytes, chunk_, both(group.size()));
  }
  Plan plan(Op op, Communicator& group, double bytes) const override {
    return plan_along_trees(op, group, bytes, chunk_, both(group.size()));
  }

 private:
  double chunk_;
};

}  // namespace

AlgorithmMaker double_tree(Reader& in) {
  in.about("two binary trees at once, a half of the bytes each (Sanders et al. 2009): all links busy, lg N latencies");
  return std::make_shared<DoubleTree>(read_chunk(in));
}

}  // namespace paceline::collectives
