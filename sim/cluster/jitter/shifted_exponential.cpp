// shifted_exponential: s + (1 - s) X with X exponential of mean 1 (Dutta et al. 2018).
#include "sim/cluster/jitter/jitter.hpp"
#include "sim/core/random.hpp"

namespace paceline::jitters {

Jitter shifted_exponential(Reader& in) {
  in.about("a fixed share of the mean, the rest exponential (Dutta et al. 2018)");
  const double shift = in.number("shift", {.minimum = 0, .maximum = 1, .help = "share of the mean that is fixed"});
  return [shift](double u) { return shift + (1 - shift) * exponential_quantile(u); };
}

}  // namespace paceline::jitters
