#include "sim/cluster/failures/failure.hpp"

#include <algorithm>

namespace paceline::failures {

Task<> fail_again_and_again(FailureControl control, std::function<double(double u)> next, double repair) {
  for (std::uint64_t draw = 0;; ++draw) {
    co_await control.engine.idle_sleep(span_or_never(next(control.stream.uniform(draw))));
    control.fail();
    co_await control.engine.sleep(span_or_never(repair));
    control.repaired();
  }
}

void read_things(Reader& in, FailureMaker& maker) {
  const std::vector<std::string> names{"workers", "hosts", "links"};
  const std::string of = in.text("of", {.choices = names,
                                        .fallback = "workers",
                                        .help = "what fails: devices one by one, hosts with all their devices, links"});
  maker.of = FailureMaker::Of(std::find(names.begin(), names.end(), of) - names.begin());
  maker.workers = in.workers_or_all("workers", "whose device or host fails; left out: all");
  maker.link = in.text(
      "links", {.fallback = "*", .help = "of links: which, as in links.csv; <-> for both directions, * for any text"});
  if (in.describing()) return;
  if (in.has("links") && maker.of != FailureMaker::Of::links) in.fail("links", "goes with \"of\": \"links\" only");
  if (in.has("workers") && maker.of == FailureMaker::Of::links)
    in.fail("workers", "have no links: name them in \"links\"");
}

double read_repair(Reader& in) {
  return in.duration("repair", {.help = "until it works again, or another is in its place"});
}

}  // namespace paceline::failures
