// uniform: anywhere in 1 ± width/2, all alike. The mean of the largest of n is 1 + width (1/2 - 1/(n + 1)).
#include "sim/cluster/jitter/jitter.hpp"

namespace paceline::jitters {

Jitter uniform(Reader& in) {
  in.about("uniform around 1: a bounded variation");
  const double width =
      in.number("width", {.minimum = 0, .maximum = 2, .help = "from the least to the greatest factor: 1 ± width/2"});
  return [width](double u) { return 1 + width * (u - 0.5); };
}

}  // namespace paceline::jitters
