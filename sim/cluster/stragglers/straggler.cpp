#include "sim/cluster/stragglers/straggler.hpp"

#include "sim/core/sync.hpp"

namespace paceline::stragglers {

Task<> on_each(StragglerWorld world, std::vector<int> workers, OnWorker process) {
  std::vector<Task<>> all;
  all.reserve(workers.size());
  for (const int worker : workers) all.push_back(process(world, worker));
  co_await all_of(std::move(all));
}

std::vector<int> read_slowed(Reader& in) { return in.workers_or_all("workers", "who is slow; left out: all"); }

double read_factor(Reader& in) {
  return in.number("factor",
                   {.minimum = 0, .maximum = 1e6, .above_minimum = true, .help = "how many times longer a step takes"});
}

}  // namespace paceline::stragglers
