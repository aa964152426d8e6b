// ringmaster: Ringmaster ASGD (Maranjyan, Tyurin & Richtárik 2025). A gradient with delay τ < R is applied, others are
// ignored; the worker restarts from the current x. With `stops` a computation whose delay reaches R is abandoned at
// once: the server sends that worker the current x. R = 1 is SGD from the fastest, R = ∞ is async.
// With R = max(1, ⌈σ²/ε⌉) its time is that of rennala, the best possible.
#include <fmt/format.h>

#include <deque>

#include "sim/strategies/strategy.hpp"

namespace paceline::strategies {
namespace {

class Ringmaster final : public Served {
  struct Pull {
    int worker;
    std::int64_t version;
  };

 public:
  Ringmaster(Training& training, std::int64_t threshold, bool stops)
      : Served(training), threshold_(threshold), stops_(stops), pulls_(std::size_t(training.shards())) {}

  Task<> work(Worker& me) override { return stops_ ? work_until_newer(me) : Served::work(me); }

  Task<> serve(Server& server) override {
    std::deque<Pull>& pulls = pulls_[std::size_t(server.shard())];
    if (stops_)
      for (int w = 0; w < server.workers(); ++w) pulls.push_back({w, 0});
    const auto answer = [&](int worker) {
      server.answer(worker);
      if (stops_) pulls.push_back({worker, server.version().number});
    };
    for (;;) {
      GradientRef g = co_await server.next();
      const bool stopped = g->at[std::size_t(server.shard())].number < server.answered(g->worker);
      if (server.staleness(g) < threshold_) {
        co_await server.apply(g);
        stalest_ = std::max(stalest_, g->staleness);
      } else {
        server.drop(g);
      }
      if (!stopped) answer(g->worker);
      for (; !pulls.empty() && server.version().number - pulls.front().version >= threshold_; pulls.pop_front())
        if (const Pull& oldest = pulls.front(); oldest.version == server.answered(oldest.worker)) answer(oldest.worker);
    }
  }

  Task<> rejoin(Worker& me) override {
    co_await me.pull();
    if (!stops_) co_return;
    for (int s = 0; s < training().shards(); ++s) pulls_[std::size_t(s)].push_back({me.rank(), me.pulled(s)});
  }

  std::vector<Check> checks() const override {
    return {{"ringmaster delay", stalest_ < threshold_, fmt::format("largest {}, threshold {}", stalest_, threshold_)}};
  }

 private:
  std::int64_t threshold_;
  bool stops_;
  std::vector<std::deque<Pull>> pulls_;  // by shard, in order, the latest of every worker among them
  std::int64_t stalest_ = 0;
};

}  // namespace

StrategyMaker ringmaster(Reader& in) {
  in.about("asynchronous SGD that ignores gradients of delay R or more (Maranjyan et al. 2025)");
  const auto threshold = in.integer(
      "delay_threshold", {.minimum = 1, .maximum = std::int64_t{1} << 40, .help = "R: gradients older are ignored"});
  const bool stops = in.boolean("stops", false, "abandon computations whose delay reaches R");
  read_servers_only(in);
  return {.uses_servers = true, .make = [threshold, stops](Training& training) {
            return std::make_unique<Ringmaster>(training, threshold, stops);
          }};
}

}  // namespace paceline::strategies
