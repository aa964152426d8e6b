// bimodal: with a probability p a step takes f times as long as the others; both divided by 1 + p (f - 1), so that the
// mean is 1.
#include "sim/cluster/jitter/jitter.hpp"

namespace paceline::jitters {

Jitter bimodal(Reader& in) {
  in.about("two durations: some steps take a factor longer than all others");
  const double p = in.number("probability", {.minimum = 0, .maximum = 1, .help = "of a step of the other kind"});
  const double factor = in.number("factor", {.minimum = 0, .maximum = 1e6, .help = "how many times longer it takes"});
  const double mean = 1 + p * (factor - 1);
  if (!in.describing() && mean <= 0) in.fail("factor", "must be above 0 where all steps have it");
  return [=](double u) {
    const bool other = factor < 1 ? u < p : u >= 1 - p;  // the greater one comes last
    return (other ? factor : 1) / mean;
  };
}

}  // namespace paceline::jitters
