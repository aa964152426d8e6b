// ssp: stale synchronous parallel (Ho et al., NIPS 2013). c_w counts the updates of worker w. After an update w may
// start again when c_w - min_j c_j <= s; until then its server holds the answer. Released workers pull then, in index
// order. s = 0 is a barrier every iteration. Bounds: right after an update c differs by at most s + 1; staleness is at
// most (N - 1)(2s + 1).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/strategies/strategy.hpp"

namespace paceline::strategies {
namespace {

class Ssp final : public Served {
 public:
  Ssp(Training& training, std::int64_t slack) : Served(training), slack_(slack) {}

  Task<> serve(Server& server) override {
    std::vector<std::int64_t> clock(std::size_t(server.workers()));
    std::map<std::int64_t, int> at{{0, server.workers()}};  // how many workers are at each clock
    std::set<int> held;
    for (;;) {
      GradientRef g = co_await server.next();
      co_await server.apply(g);
      stalest_ = std::max(stalest_, g->staleness);
      std::int64_t& mine = clock[std::size_t(g->worker)];
      const bool was_slowest = mine == at.begin()->first;
      if (--at[mine] == 0) at.erase(mine);
      ++at[++mine];
      const std::int64_t slowest = at.begin()->first;
      widest_ = std::max(widest_, at.rbegin()->first - slowest);
      held.insert(g->worker);
      const auto release = [&](int worker) {
        const bool may_start = clock[std::size_t(worker)] - slowest <= slack_;
        if (may_start) server.answer(worker);
        return may_start;
      };
      if (was_slowest) std::erase_if(held, release);  // in index order
      else if (release(g->worker)) held.erase(g->worker);
    }
  }

  std::vector<Check> checks() const override {
    const std::int64_t bound = (training().workers() - 1) * (2 * slack_ + 1);
    return {{"ssp clocks", widest_ <= slack_ + 1, fmt::format("widest spread {}, bound {}", widest_, slack_ + 1)},
            {"ssp staleness", stalest_ <= bound, fmt::format("largest {}, bound {}", stalest_, bound)}};
  }

 private:
  std::int64_t slack_, widest_ = 0, stalest_ = 0;
};

}  // namespace

StrategyMaker ssp(Reader& in) {
  in.about("stale synchronous parallel: at most so many updates ahead of the slowest (Ho et al. 2013)");
  const auto slack =
      in.integer("staleness", {.minimum = 0,
                               .maximum = 1'000'000'000,
                               .help = "updates that a worker may be ahead of the slowest and still start"});
  read_servers_only(in);
  return {.uses_servers = true, .make = [slack](Training& training) { return std::make_unique<Ssp>(training, slack); }};
}

}  // namespace paceline::strategies
