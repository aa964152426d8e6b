#include "sim/strategies/strategy.hpp"

#include "sim/strategies/aggregate.hpp"

namespace paceline {

Task<> Strategy::serve(Server&) { throw std::logic_error("this strategy uses no servers"); }

Task<> Strategy::rejoin(Worker& me) { co_await me.pull(); }
std::any Strategy::saved() const { throw std::logic_error("this strategy cannot be saved"); }
void Strategy::restore(const std::any&) { throw std::logic_error("this strategy cannot be restored"); }

GradientRef Served::next_gradient(Worker& me, Parameters x) const {
  GradientRef g = me.next_gradient(std::move(x));
  g->only_summed = sums_;
  return g;
}

Task<> Served::work(Worker& me) {
  for (Parameters x = me.initial(); !me.finished();) {
    GradientRef g = next_gradient(me, std::move(x));
    co_await me.compute(g);
    x = co_await me.exchange(g);
  }
}

Task<> Served::work_until_newer(Worker& me) {
  for (Parameters x = me.initial(); !me.finished();) x = co_await me.until_newer(x, compute_and_push(me, x));
}

Task<> Served::compute_and_push(Worker& me, Parameters x) const {
  GradientRef g = next_gradient(me, std::move(x));
  co_await me.compute(g);
  me.push(g);
}

void read_servers_only(Reader& in) {
  const AggregateMaker aggregate =
      in.kind("aggregate", aggregates::all(),
              {.fallback = "parameter_server", .help = "servers only: not everyone takes part in every update"});
  if (!in.describing() && !aggregate.uses_servers)
    in.fail("aggregate", "must be parameter_server here: not everyone takes part in every update, as all_reduce needs");
}

}  // namespace paceline
