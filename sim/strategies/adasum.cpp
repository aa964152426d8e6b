// adasum: synchronous steps whose reduction adapts to how alike gradients are (Maleki et al. 2020). Pairs of a
// recursive-doubling tree are combined by
//     (1 - g1·g2 / (2‖g1‖²)) g1 + (1 - g1·g2 / (2‖g2‖²)) g2:
// orthogonal gradients are added, equal ones averaged. On the wire it is the all-reduce that `aggregate` says
// (halving_doubling is the paper's).
#include "sim/strategies/aggregate.hpp"

namespace paceline::strategies {
namespace {

// a ← the two combined. A zero gradient adds nothing.
void combine(Values& a, const Values& b) {
  double dot = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dot += double(a[i]) * double(b[i]);
    aa += double(a[i]) * double(a[i]);
    bb += double(b[i]) * double(b[i]);
  }
  const float of_a = float(aa > 0 ? 1 - dot / (2 * aa) : 1), of_b = float(bb > 0 ? 1 - dot / (2 * bb) : 1);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = of_a * a[i] + of_b * b[i];
}

std::shared_ptr<const Values> adasum_of(Training& training, std::span<const GradientRef> gradients) {
  if (!training.pool().real()) return nullptr;
  training.pool().compute(gradients);
  std::vector<std::shared_ptr<Values>> level;
  for (const GradientRef& g : gradients) {
    level.push_back(training.pool().buffer());
    *level.back() = *training.pool().value(g);
  }
  for (std::size_t apart = 1; apart < level.size(); apart *= 2)
    for (std::size_t i = 0; i + apart < level.size(); i += 2 * apart) combine(*level[i], *level[i + apart]);
  return level[0];
}

}  // namespace

StrategyMaker adasum(Reader& in) {
  in.about("synchronous steps that add orthogonal gradients and average equal ones (Maleki et al. 2020)");
  const AggregateMaker aggregate =
      in.kind("aggregate", aggregates::all(), {.fallback = "all_reduce", .help = "what its messages cost"});
  if (aggregate.uses_servers) in.fail("aggregate", "must be all_reduce: gradients are combined pair by pair");
  return {.sends_gradients = false, .make = [aggregate](Training& training) {
            return make_bsp(aggregate.make(training, {.combine = adasum_of}), 1);
          }};
}

}  // namespace paceline::strategies
