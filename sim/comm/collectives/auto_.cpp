// auto: the algorithm whose plan takes the least time in closed form, for this operation, these ranks and this size; of
// equals the first in the list. Not among them: switches that add, which not every network has; and, where another
// algorithm will do, `direct`, whose N(N-1) messages at once no real switch takes without loss.
#include "sim/comm/collective.hpp"

namespace paceline::collectives {
namespace {

class Cheapest final : public Algorithm {
 public:
  std::string name() const override { return "auto"; }
  std::string refuses(Op, Communicator&) const override { return ""; }
  const Algorithm& chosen(Op op, Communicator& group, double bytes) const override {
    const Algorithm* best = nullptr;
    double least = 0;
    for (const AlgorithmMaker& algorithm : candidates()) {
      if (!algorithm->refuses(op, group).empty() || (best && algorithm->name() == "direct")) continue;
      const double taken = group.planned(*algorithm, op, bytes).seconds;
      if (best && taken >= least * (1 - 1e-9)) continue;
      best = algorithm.get();
      least = taken;
    }
    return best ? *best : *this;
  }
  std::unique_ptr<Collective> messages(Op op, Communicator& group, double bytes) const override {
    return chosen(op, group, bytes).messages(op, group, bytes);
  }
  Plan plan(Op op, Communicator& group, double bytes) const override {
    return *group.planned(chosen(op, group, bytes), op, bytes).plan;
  }

 private:
  const std::vector<AlgorithmMaker>& candidates() const {
    if (candidates_.empty())
      for (const char* kind :
           {"ring", "hierarchical", "halving_doubling", "double_tree", "tree", "recursive_doubling", "direct"})
        candidates_.push_back(all().named(kind));
    return candidates_;
  }
  mutable std::vector<AlgorithmMaker> candidates_;  // not before it is asked: their registry holds this one
};

}  // namespace

AlgorithmMaker auto_(Reader& in) {
  in.about("the cheapest by closed form for the operation, the ranks and the size");
  return std::make_shared<Cheapest>();
}

}  // namespace paceline::collectives
