// all_reduce: gradients are averaged in buckets, in the order in which backward yields them, one bucket at a time on
// each worker's communication lane: end_i = max(ready_i, end_{i-1}) + T(S_i) (PyTorch DDP, Li et al. 2020). Every
// worker then applies the mean itself.
//
// Sharded (ZeRO, Rajbhandari et al. 2020): buckets are reduce-scattered, every worker updates its share, and parameters
// are all-gathered; under zero3 these are gathered part by part, one part ahead of its forward, and once more of its
// backward: 3 instead of 2 (N-1)/N S bytes a rank.
//
// Values: the mean is computed once, in a fixed order. In the first step gradients also travel with the messages, and
// what arrives is compared with the serial sum: two orders of N float32 additions differ by at most 2 N u Σ|g|, u =
// 2^-24.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "sim/strategies/aggregate.hpp"
#include "sim/strategies/aggregates/buckets.hpp"
#include "sim/strategies/reduction.hpp"

namespace paceline::aggregates {
namespace {

struct Options {
  AlgorithmMaker algorithm;
  BucketRule buckets;
  bool overlap = true;
  MeanOptions mean{};
};

// How long at least one of some periods fell into one of others, which follow one another.
Span overlap(std::vector<Reduction::Lane::Period> some, const std::vector<Reduction::Lane::Period>& others) {
  std::sort(some.begin(), some.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
  Span sum{0};
  for (const auto& other : others) {
    Time counted = other.from;
    for (const auto& period : some) {
      const Time from = std::max(period.from, counted), until = std::min(period.until, other.until);
      if (until <= from) continue;
      sum += until - from;
      counted = until;
    }
  }
  return sum;
}

constexpr std::size_t largest_check = std::size_t{1} << 24;  // floats of all workers

class AllReduceMean final : public Aggregate {
 public:
  AllReduceMean(Training& training, const Options& options)
      : training_(training),
        options_(options),
        buckets_(buckets_of(training.cost(), training.cost().step(0, 0, training.pool().batches().size(0)).backward,
                            options.buckets)),
        group_(int(training.members().size()) == training.workers()
                   ? training.communicator()
                   : training.communicator().group(training.members())),
        x_{Version{0, training.initial()}},
        entered_(std::size_t(training.workers())) {
    const CompressorMaker& kind = training.wire().kind();
    if ((compresses() && !kind.piecewise) || training.pool().piecemeal()) options_.overlap = false;
    if (training.pool().piecemeal() && options.mean.sharding == Sharding::zero3)
      throw ConfigError({}, "/workload/balance",
                        "micro-batches from a queue cannot go with zero3, which gathers the parameters of a batch part "
                        "by part");
    if (gathers() && sharded())
      throw ConfigError(
          {}, "/training/compression",
          fmt::format("{} must be gathered; it cannot be reduce-scattered, as sharding needs", kind.name));
    if (options.mean.sharding == Sharding::zero3 && compresses() && !kind.piecewise)
      throw ConfigError({}, "/training/compression",
                        fmt::format("{} needs the whole gradient; zero3 reduces it part by part", kind.name));
    if (options.mean.sharding == Sharding::zero3 && options.mean.accumulate > 1)
      throw ConfigError({}, "/training/strategy/accumulate", "cannot be above 1 with zero3");
    if (options.mean.sharding == Sharding::zero3 && !options.overlap)
      throw ConfigError({}, "/training/strategy/aggregate/overlap",
                        "cannot be false with zero3, which gathers and reduces part by part");
    require(*options.algorithm, reducing(), group_, "/training/strategy/aggregate/algorithm");
    if (sharded()) require(*options.algorithm, Op::all_gather, group_, "/training/strategy/aggregate/algorithm");
    for (int w = 0; w < training.workers(); ++w) {
      std::vector<double> parts;
      double bytes = 0;
      for (double bucket : buckets_) parts.push_back(std::min(1.0, training.cost().ready(w, bytes += bucket)));
      const bool in_parts = options_.overlap && options.mean.sharding != Sharding::zero3;
      training.worker(w).set_parts(in_parts ? parts : std::vector<double>{});
      if (options.mean.sharding == Sharding::zero3) parts_.push_back(std::move(parts));
    }
    if (!training.pool().real()) return;
    optimizer_ = training.optimizer().make(training.pool().tensor_sizes());
  }

  Task<Parameters> next(Worker& me, GradientRef gradient) override {
    const std::size_t step = entered_[std::size_t(me.rank())]++;
    Round& round = enter(gradient, step);
    Reduction::Lane lane(round.reduction, me, place(me.rank()));
    if (options_.mean.sharding == Sharding::zero3) {
      co_await compute_gathering(me, gradient, round, lane);
    } else if (options_.overlap) {
      std::vector<Task<>> both;
      both.reserve(2);
      both.push_back(me.compute(gradient));
      both.push_back(lane.run(true));
      co_await me.blocked(all_of(std::move(both)), lane);
      me.add_overlap(lane.moving_before(me.computed_at()));
    } else {
      co_await me.compute(gradient);
      if (step == 0) attach(round, gradient);
      co_await me.blocked(lane.run(false), lane);
    }
    co_await me.update(gradient, sharded() ? 1.0 / training_.workers() : 1);
    if (sharded() && options_.mean.sharding != Sharding::zero3) {
      Reduction::Lane gathering(round.gathering, me);
      co_await me.blocked(gathering.run(false), gathering);
    }
    co_return leave(me, step);
  }

  Parameters start(const Worker&) const override { return x_; }
  std::shared_ptr<const Values> evaluated() override { return x_[0].values; }
  std::any saved() const override { return State{x_[0], copy(optimizer_)}; }
  void restore(const std::any& saved) override {
    const auto& state = std::any_cast<const State&>(saved);
    x_ = {state.x};
    optimizer_ = copy(state.optimizer);
    std::fill(entered_.begin(), entered_.end(), std::size_t(state.x.number));
  }

  std::vector<Check> checks() const override {
    std::vector<Check> checks;
    checks.push_back(record_.check());
    if (const double error = sum_error_[0]; error >= 0)
      checks.push_back({"numeric all-reduce equals the serial sum", error <= 1,
                        fmt::format("largest difference {:.3g} of its bound", error)});
    return checks;
  }

 private:
  struct Round {
    Round(AllReduceMean& of, std::int64_t step, std::size_t workers)
        : reduction(of.training_, of.group_, *of.options_.algorithm, of.reducing(), of.messages(step), of.record_),
          gathering(of.training_, of.group_, *of.options_.algorithm, Op::all_gather, of.gathered(), of.record_),
          gradients(workers) {}
    Reduction reduction;
    Reduction gathering;                 // sharded; of zero3 for the forward, in its order, then for the backward
    std::vector<GradientRef> gradients;  // by place, as the payloads
    std::vector<Values> payloads;
    std::size_t left = 0;
    Parameters next;
  };

  // Blocked on gathers until all is computed, then on the reduction.
  class EitherLane final : public Blocking {
   public:
    EitherLane(const Reduction::Lane& gathers, const Reduction::Lane& reduces) : gathers_(gathers), reduces_(reduces) {}
    void split(Time from, Time to, const Spend& spend) const override {
      (computed_ ? reduces_ : gathers_).split(from, to, spend);
    }
    void hand_over(Time from, Time to, Path& path) const override {
      (computed_ ? reduces_ : gathers_).hand_over(from, to, path);
    }
    void computed() { computed_ = true; }

   private:
    const Reduction::Lane &gathers_, &reduces_;
    bool computed_ = false;
  };

  struct State {
    Version x;  // its number: steps so far
    std::shared_ptr<Optimizer> optimizer;
  };
  static std::shared_ptr<Optimizer> copy(const std::shared_ptr<Optimizer>& optimizer) {
    return optimizer ? std::shared_ptr<Optimizer>(optimizer->clone()) : nullptr;
  }

  // A worker's among those who take part.
  int place(int worker) const {
    const std::vector<int>& all = training_.members();
    if (int(all.size()) == training_.workers()) return worker;
    return int(std::lower_bound(all.begin(), all.end(), worker) - all.begin());
  }
  bool sharded() const { return options_.mean.sharding != Sharding::none; }
  bool compresses() const { return training_.wire().compresses(); }
  bool gathers() const { return compresses() && training_.wire().kind().carriage == Carriage::gathered; }
  Op reducing() const { return gathers() ? Op::all_gather : sharded() ? Op::reduce_scatter : Op::all_reduce; }
  // Bytes of the collectives at a step; what must be gathered comes once from every worker.
  std::vector<double> messages(std::int64_t step) const {
    if (!compresses()) return buckets_;
    const double copies = gathers() ? training_.workers() : 1;
    std::vector<double> all = training_.wire().messages(step);
    if (training_.wire().kind().piecewise) {
      const double total = training_.cost().gradient_bytes();
      const double ratio = total > 0 ? training_.wire().bytes(step) / total : 0;
      all = buckets_;
      for (double& each : all) each *= ratio;
    }
    for (double& each : all) each *= copies;
    return all;
  }
  std::vector<double> gathered() const {
    if (!sharded()) return {};
    std::vector<double> all = buckets_;
    if (options_.mean.sharding == Sharding::zero3) all.insert(all.begin(), buckets_.rbegin(), buckets_.rend());
    return all;
  }

  // zero3's forward and backward.
  Task<> compute_gathering(Worker& me, GradientRef gradient, Round& round, Reduction::Lane& reducing) {
    Reduction::Lane gathering(round.gathering, me);
    Arrivals gathered(training_.engine(), "gathered parts"), begun(training_.engine(), "begun parts"),
        through(training_.engine(), "parts of the backward");
    EitherLane either(gathering, reducing);
    std::vector<Reduction::Lane::Period> computing;
    std::vector<Task<>> all;
    all.push_back(gather(gathering, gathered, begun));
    all.push_back(compute_gathered(me, gradient, gathered, begun, through, either, computing));
    all.push_back(reduce(reducing, through));
    co_await me.blocked(all_of(std::move(all)), either);
    std::vector<Reduction::Lane::Period> moving = gathering.moving();
    for (const auto& period : reducing.moving()) moving.push_back(period);
    me.add_overlap(overlap(std::move(moving), computing));
  }
  // One part ahead.
  Task<> gather(Reduction::Lane& lane, Arrivals& gathered, Arrivals& begun) {
    for (std::size_t i = 0; i < 2 * buckets_.size(); ++i) {
      co_await begun.reach(i);
      co_await lane.next();
      gathered.arrive();
    }
  }
  Task<> compute_gathered(Worker& me, GradientRef gradient, Arrivals& gathered, Arrivals& begun, Arrivals& through,
                          EitherLane& either, std::vector<Reduction::Lane::Period>& computing) {
    const std::vector<double>& parts = parts_[std::size_t(me.rank())];
    const std::size_t n = parts.size();
    double from = 0;
    for (std::size_t i = 0; i < 2 * n; ++i) {
      co_await gathered.reach(i + 1);
      begun.arrive();
      const double until = i + 1 < n ? 1 - parts[n - 2 - i] : i < n ? 1 : i + 1 == 2 * n ? 2 : 1 + parts[i - n];
      const Time start = training_.engine().now();
      co_await me.compute_part(gradient, from, until);
      computing.push_back({start, training_.engine().now()});
      from = until;
      if (i >= n) through.arrive();
    }
    either.computed();
  }
  Task<> reduce(Reduction::Lane& lane, Arrivals& through) {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      co_await through.reach(i + 1);
      co_await lane.next();
    }
  }

  Round& enter(const GradientRef& gradient, std::size_t step) {
    Round& round = rounds_.try_emplace(step, *this, gradient->step, training_.members().size()).first->second;
    round.gradients[std::size_t(place(gradient->worker))] = gradient;
    if (step == 0 && options_.overlap && !sharded()) attach(round, gradient);
    return round;
  }

  // In the first step a worker's weighted gradient goes along with its messages.
  void attach(Round& round, const GradientRef& gradient) {
    const std::size_t workers = round.gradients.size();
    GradientPool& pool = training_.pool();
    const double total = training_.cost().gradient_bytes();
    if (!pool.real() || sharded() || compresses() || options_.mean.combine || total == 0 ||
        workers * pool.size() > largest_check)
      return;
    round.payloads.resize(workers);
    Values& mine = round.payloads[std::size_t(place(gradient->worker))];
    mine = *pool.value(gradient);
    const double mine_counts = weight(*gradient);
    for (float& each : mine) each = float(double(each) * mine_counts);
    double done = 0;
    const auto entry = [&](double bytes) {
      return mine.size() - std::size_t(std::llround(double(mine.size()) * std::min(1.0, bytes / total)));
    };
    for (std::size_t b = 0; b < buckets_.size(); ++b) {
      const std::size_t begin = entry(done + buckets_[b]), end = entry(done);
      round.reduction.bucket(b).attach(place(gradient->worker), std::span(mine).subspan(begin, end - begin));
      done += buckets_[b];
    }
  }

  // The first to get here applies the mean; the last makes it an update of all.
  Parameters leave(Worker& me, std::size_t step) {
    Round& round = rounds_.at(step);
    if (round.left++ == 0) apply(round, step);
    const Parameters next = round.next;
    if (round.left < round.gradients.size()) return next;
    if (!round.payloads.empty()) compare(round);
    x_ = next;
    training_.led_by(me.path());
    for (const GradientRef& g : round.gradients) training_.applied(*g, 0);
    training_.updated(true);
    rounds_.erase(step);
    return next;
  }

  void apply(Round& round, std::size_t step) {
    round.next = {Version{std::int64_t(step) + 1, nullptr}};
    if (!training_.pool().real()) return;
    const auto mean = options_.mean.combine ? options_.mean.combine(training_, round.gradients)
                                            : training_.wire().reduce(round.gradients, training_.averaging());
    auto next = training_.pool().buffer();
    optimizer_->step(x_[0].values->data(), mean->data(), next->data(), training_.rate());
    round.next[0].values = std::move(next);
  }

  double weight(const Gradient& g) const {
    const bool uniform = training_.averaging() == Averaging::uniform;
    if (uniform) return 1.0 / double(training_.members().size());
    double samples = 0;
    for (const int w : training_.members()) samples += training_.pool().batches().size(w);
    return double(g.samples) / g.batches / samples;
  }

  void compare(const Round& round) {
    const auto workers = double(round.gradients.size());
    std::vector<double> weights;
    for (const GradientRef& g : round.gradients) weights.push_back(weight(*g));
    for (std::size_t i = 0; i < round.payloads[0].size(); ++i) {
      double sum = 0, size = 0;
      for (std::size_t k = 0; k < weights.size(); ++k) {
        const double part = double((*round.gradients[k]->value)[i]) * weights[k];
        sum += part;
        size += std::abs(part);
      }
      const double bound = 2 * (workers + 1) * 0x1p-24 * size + 1e-37;
      for (const Values& received : round.payloads)
        sum_error_[0] = std::max(sum_error_[0], std::abs(double(received[i]) - sum) / bound);
    }
  }

  Training& training_;
  Options options_;
  std::vector<double> buckets_;
  Communicator& group_;                     // of those who take part
  std::vector<std::vector<double>> parts_;  // of zero3: by worker, shares of the backward at which buckets are ready
  std::shared_ptr<Optimizer> optimizer_;
  Parameters x_;                         // the newest version that all workers have
  std::vector<std::size_t> entered_;     // steps, by worker
  std::map<std::size_t, Round> rounds_;  // by step; at most two at a time
  ReductionRecord record_;
  Numbers<double> sum_error_{-1};  // the largest; a number that follows from numbers is kept as an array
};

}  // namespace

AggregateMaker all_reduce(Reader& in) {
  in.about("a collective in buckets, overlapping with the backward (as PyTorch's DistributedDataParallel)");
  Options options;
  options.algorithm =
      in.kind_or_name("algorithm", collectives::all(), {.fallback = "ring", .help = "of the collective"});
  constexpr double mebibyte = 1 << 20;
  options.buckets.size = in.bytes(
      "bucket",
      {.above_minimum = true, .fallback = 25 * mebibyte, .help = "a bucket closes when it has reached this size"});
  options.buckets.first =
      in.bytes("first_bucket", {.above_minimum = true,
                                .fallback = in.has("bucket") ? options.buckets.size : mebibyte,
                                .help = "size of the first bucket; by default 1 MiB, or `bucket` where that is given"});
  options.buckets.time =
      in.duration("bucket_time",
                  {.fallback = INFINITY,
                   .help = "a bucket also closes when its tensors have taken this long since the one before closed"});
  options.overlap = in.boolean("overlap", true, "communicate during the backward; false: after it");
  return {false, [options](Training& training, const MeanOptions& mean) {
            Options own = options;
            own.mean = mean;
            return std::make_unique<AllReduceMean>(training, own);
          }};
}

}  // namespace paceline::aggregates
