#include "sim/strategies/first_gradients.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace paceline {

void sort_by_worker(std::vector<GradientRef>& gradients) {
  std::stable_sort(gradients.begin(), gradients.end(),
                   [](const GradientRef& a, const GradientRef& b) { return a->worker < b->worker; });
}

Task<> FirstGradients::serve(Server& server) {
  for (std::vector<GradientRef> in;; in.clear()) {
    while (int(in.size()) < needed_) {
      GradientRef g = co_await server.next();
      if (server.staleness(g) == 0) {
        in.push_back(g);
        continue;
      }
      server.drop(g);
      if (!cancel_) server.answer(g->worker);  // else the newest are on their way
    }
    sort_by_worker(in);
    co_await server.apply_mean(in);
    for (const GradientRef& g : in) stalest_ = std::max(stalest_, g->staleness);
    if (cancel_) server.answer_all();
    else
      for (const GradientRef& g : in) server.answer(g->worker);
  }
}

std::vector<Check> FirstGradients::checks() const {
  return {{"no stale gradient applied", stalest_ == 0, fmt::format("largest staleness {}", stalest_)}};
}

int read_k(Reader& in, bool distinct, std::string_view help) {
  const auto k = in.integer("k", {.minimum = 1, .maximum = 1 << 24, .help = help});
  if (distinct && !in.describing() && k > in.context().workers)
    in.fail("k", fmt::format("must be at most the number of workers, {}", in.context().workers));
  return int(k);
}

}  // namespace paceline
