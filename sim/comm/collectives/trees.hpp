// Collectives along trees, pipelined: each of one or two trees carries an equal share of the bytes in P pieces of at
// most `chunk`. A rank passes a piece on when it has it from all its children (or from its parent), and begins the next
// when it is delivered: (height + P - 1)(α + cβ) up, and as much down again, c being the size of a piece, where no two
// edges share a link.
#pragma once
#include "sim/comm/collective.hpp"

namespace paceline::collectives {

constexpr double default_chunk = 512 * 1024;

struct Tree {
  std::vector<int> parent;                 // by rank; of the root -1
  std::vector<std::vector<int>> children;  // by rank
  int root = 0;
};

// Of parents.
Tree make_tree(std::vector<int> parent);

// Reduces to the roots, then broadcasts from there; for Op::broadcast the second half only.
std::unique_ptr<Collective> along_trees(Op op, Communicator& group, double bytes, double chunk,
                                        std::vector<Tree> trees);
Plan plan_along_trees(Op op, const Communicator& group, double bytes, double chunk, const std::vector<Tree>& trees);

// The key "chunk", in bytes.
double read_chunk(Reader& in);

}  // namespace paceline::collectives
