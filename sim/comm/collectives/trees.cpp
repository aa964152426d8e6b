#include "sim/comm/collectives/trees.hpp"

#include <algorithm>
#include <cmath>

#include "sim/core/sync.hpp"

namespace paceline::collectives {
namespace {

std::size_t pieces_of(double bytes, double chunk, std::size_t trees) {
  return std::max<std::size_t>(1, std::size_t(std::ceil(bytes / double(trees) / chunk)));
}

class AlongTrees final : public Collective {
 public:
  AlongTrees(Communicator& group, Op op, double bytes, double chunk, std::vector<Tree> trees)
      : Collective(group, op, bytes), trees_(std::move(trees)), pieces_(pieces_of(bytes, chunk, trees_.size())) {}

  Task<> member(int rank) override {
    if (size() == 1) co_return;
    std::vector<Task<>> ways;
    for (std::size_t tree = 0; tree < trees_.size(); ++tree) ways.push_back(way(rank, tree));
    co_await all_of(std::move(ways));
  }

 private:
  Task<> way(int rank, std::size_t index) {
    const Tree& tree = trees_[index];
    const auto channel = unsigned(index);
    const int parent = tree.parent[std::size_t(rank)];
    const std::vector<int>& children = tree.children[std::size_t(rank)];
    for (std::size_t i = 0; op_ != Op::broadcast && i < pieces_; ++i) {
      for (const int child : children) {
        Port& from = port(child, rank, channel);
        co_await from.next();
        add(from, piece(index, i));
      }
      if (parent < 0) continue;
      send(port(rank, parent, channel), piece(index, i));
      co_await port(rank, parent, channel).delivered();
    }
    for (std::size_t i = 0; i < pieces_; ++i) {
      if (parent >= 0) {
        Port& from = port(parent, rank, channel);
        co_await from.next();
        keep(from, piece(index, i));
      }
      for (const int child : children) send(port(rank, child, channel), piece(index, i));
      for (const int child : children) co_await port(rank, child, channel).delivered();
    }
  }
  Part piece(std::size_t tree, std::size_t i) const { return {tree * pieces_ + i, 1, trees_.size() * pieces_}; }

  const std::vector<Tree> trees_;
  const std::size_t pieces_;  // of each tree
};

struct Climb {
  double first = 0;    // seconds until the first piece has come from the deepest leaf
  double slowest = 0;  // of any edge
};

Climb climb(const Communicator& group, const Tree& tree, int rank, double piece, bool up) {
  Climb all;
  for (const int child : tree.children[std::size_t(rank)]) {
    const int from = up ? child : rank, to = up ? rank : child;
    const double edge = to_seconds(group.latency(from, to)) + piece / group.bandwidth(from, to);
    const Climb below = climb(group, tree, child, piece, up);
    all.first = std::max(all.first, below.first + edge);
    all.slowest = std::max({all.slowest, below.slowest, edge});
  }
  return all;
}

}  // namespace

Tree make_tree(std::vector<int> parent) {
  Tree tree;
  tree.children.resize(parent.size());
  for (std::size_t rank = 0; rank < parent.size(); ++rank) {
    if (parent[rank] < 0) tree.root = int(rank);
    else tree.children[std::size_t(parent[rank])].push_back(int(rank));
  }
  tree.parent = std::move(parent);
  return tree;
}

std::unique_ptr<Collective> along_trees(Op op, Communicator& group, double bytes, double chunk,
                                        std::vector<Tree> trees) {
  return std::make_unique<AlongTrees>(group, op, bytes, chunk, std::move(trees));
}

Plan plan_along_trees(Op op, const Communicator& group, double bytes, double chunk, const std::vector<Tree>& trees) {
  Plan plan;
  const double share = bytes / double(trees.size());
  const std::size_t pieces = pieces_of(bytes, chunk, trees.size());
  for (const bool up : {true, false}) {
    if (group.size() == 1 || (up && op == Op::broadcast)) continue;
    Phase phase;
    for (const Tree& tree : trees) {
      const Climb whole = climb(group, tree, tree.root, share / double(pieces), up);
      const double taken = whole.first + double(pieces - 1) * whole.slowest;
      for (int rank = 0; rank < group.size(); ++rank) {
        const int parent = tree.parent[std::size_t(rank)];
        if (parent < 0) continue;
        const int from = up ? rank : parent, to = up ? parent : rank;
        const double before = std::max(0.0, taken - share / group.bandwidth(from, to));
        phase.push_back({from, to, share, std::max(group.latency(from, to), span_of(before))});
      }
    }
    plan.push_back(std::move(phase));
  }
  return plan;
}

double read_chunk(Reader& in) {
  return in.bytes("chunk", {.above_minimum = true,
                            .fallback = default_chunk,
                            .help = "bytes are pipelined in equal pieces of at most this size"});
}

}  // namespace paceline::collectives
