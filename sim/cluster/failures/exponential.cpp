// exponential: memoryless; the time from a repair to the next failure is exponential with mean `mtbf`.
#include "sim/cluster/failures/failure.hpp"

namespace paceline::failures {

FailureMaker exponential(Reader& in) {
  in.about("memoryless failures, of each device, host or link on its own");
  FailureMaker maker;
  read_things(in, maker);
  maker.mean = in.duration("mtbf", {.minimum = 1e-9, .help = "mean time from a repair to the next failure, of one"});
  const double repair = read_repair(in);
  maker.run = [mean = maker.mean, repair](FailureControl control) {
    return fail_again_and_again(
        std::move(control), [mean](double u) { return mean * exponential_quantile(u); }, repair);
  };
  return maker;
}

}  // namespace paceline::failures
