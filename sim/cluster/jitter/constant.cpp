#include "sim/cluster/jitter/jitter.hpp"

namespace paceline::jitters {

Jitter constant(Reader& in) {
  in.about("every step takes its base duration");
  return [](double) { return 1.0; };
}

}  // namespace paceline::jitters
