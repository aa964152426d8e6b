// all_reduce: gradients are averaged in buckets, in the order in which backward yields them, one bucket at a time on
// each worker's communication lane: end_i = max(ready_i, end_{i-1}) + T(S_i) (PyTorch DDP, Li et al. 2020). Every
// worker then applies the mean itself. A tensor is never split: a bucket closes when it has reached its size.
//
// Values: the mean is computed once, in a fixed order. In the first step gradients also travel with the messages, and
// what arrives is compared with the serial sum: two orders of N float32 additions differ by at most 2 N u Σ|g|, u =
// 2^-24.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "sim/strategies/aggregate.hpp"
#include "sim/strategies/reduction.hpp"

namespace paceline::aggregates {
namespace {

struct Options {
  AllReduceMaker algorithm;
  double bucket = 0, first_bucket = 0;
  bool overlap = true;
};

constexpr double most_buckets = 100'000;

// Bytes of each bucket, in backward order. Throws ConfigError when they are too many.
std::vector<double> buckets_of(const Cost& cost, const Options& options) {
  const double total = cost.gradient_bytes();
  if (total / options.bucket > most_buckets)
    throw ConfigError({}, "/training/strategy/aggregate/bucket",
                      fmt::format("{} of gradient in buckets of {} are more than {} buckets", show_bytes(total),
                                  show_bytes(options.bucket), most_buckets));
  std::vector<double> buckets;
  double open = 0;
  const auto limit = [&] { return buckets.empty() ? options.first_bucket : options.bucket; };
  for (double tensor : cost.tensor_bytes()) {
    open += tensor;
    if (open < limit()) continue;
    buckets.push_back(open);
    open = 0;
  }
  if (cost.tensor_bytes().empty()) {
    for (open = total; open > limit(); open -= buckets.back()) buckets.push_back(limit());
  }
  if (open > 0 || buckets.empty()) buckets.push_back(open);
  return buckets;
}

constexpr std::size_t largest_check = std::size_t{1} << 24;  // floats of all workers

class AllReduceMean final : public Aggregate {
 public:
  AllReduceMean(Training& training, const Options& options)
      : training_(training),
        options_(options),
        buckets_(buckets_of(training.cost(), options)),
        x_{Version{0, training.initial()}} {
    for (int w = 0; w < training.workers(); ++w) {
      std::vector<double> parts;
      double bytes = 0;
      for (double bucket : buckets_) parts.push_back(std::min(1.0, training.cost().ready(w, bytes += bucket)));
      if (options.overlap) training.worker(w).set_parts(parts);
    }
    if (!training.pool().real()) return;
    optimizer_ = training.optimizer().make(training.pool().size());
  }

  Task<Parameters> next(Worker& me, GradientRef gradient) override {
    const auto step = std::size_t(gradient->step);
    Round& round = enter(gradient);
    Reduction::Lane lane(round.reduction, me);
    if (options_.overlap) {
      std::vector<Task<>> both;
      both.push_back(me.compute(gradient));
      both.push_back(lane.run(true));
      co_await me.blocked(all_of(training_.engine(), std::move(both)), lane);
      me.add_overlap(lane.moving_before(me.computed_at()));
    } else {
      co_await me.compute(gradient);
      if (step == 0) attach(round, gradient);
      co_await me.blocked(lane.run(false), lane);
    }
    co_await me.update(gradient);
    co_return leave(step);
  }

  std::shared_ptr<const Values> evaluated() override { return x_[0].values; }

  std::vector<Check> checks() const override {
    std::vector<Check> checks;
    checks.push_back(record_.check());
    if (sum_error_ >= 0)
      checks.push_back({"numeric all-reduce equals the serial sum", sum_error_ <= 1,
                        fmt::format("largest difference {:.3g} of its bound", sum_error_)});
    return checks;
  }

 private:
  struct Round {
    Round(AllReduceMean& of, std::size_t workers)
        : reduction(of.training_, of.options_.algorithm, of.buckets_, of.record_), gradients(workers) {}
    Reduction reduction;
    std::vector<GradientRef> gradients;  // by worker
    std::vector<Values> payloads;
    std::size_t left = 0;
    Parameters next;
  };

  Round& enter(const GradientRef& gradient) {
    const auto step = std::size_t(gradient->step);
    Round& round = rounds_.try_emplace(step, *this, std::size_t(training_.workers())).first->second;
    round.gradients[std::size_t(gradient->worker)] = gradient;
    if (step == 0 && options_.overlap) attach(round, gradient);
    return round;
  }

  // In the first step a worker's weighted gradient goes along with its messages.
  void attach(Round& round, const GradientRef& gradient) {
    const auto workers = std::size_t(training_.workers());
    GradientPool& pool = training_.pool();
    const double total = training_.cost().gradient_bytes();
    if (!pool.real() || total == 0 || workers * pool.size() > largest_check) return;
    round.payloads.resize(workers);
    Values& mine = round.payloads[std::size_t(gradient->worker)];
    mine = *pool.value(gradient);
    for (float& each : mine) each /= float(workers);
    double done = 0;
    const auto entry = [&](double bytes) {
      return mine.size() - std::size_t(std::llround(double(mine.size()) * std::min(1.0, bytes / total)));
    };
    for (std::size_t b = 0; b < buckets_.size(); ++b) {
      const std::size_t begin = entry(done + buckets_[b]), end = entry(done);
      round.reduction.bucket(b).attach(gradient->worker, std::span(mine).subspan(begin, end - begin));
      done += buckets_[b];
    }
  }

  // The first to get here applies the mean; the last makes it an update of all.
  Parameters leave(std::size_t step) {
    Round& round = rounds_.at(step);
    if (round.left++ == 0) apply(round, step);
    const Parameters next = round.next;
    if (round.left < round.gradients.size()) return next;
    if (!round.payloads.empty()) compare(round);
    x_ = next;
    for (const GradientRef& g : round.gradients) training_.applied(*g, 0);
    training_.updated(true);
    rounds_.erase(step);
    return next;
  }

  void apply(Round& round, std::size_t step) {
    round.next = {Version{std::int64_t(step) + 1, nullptr}};
    if (!training_.pool().real()) return;
    const auto mean = training_.pool().mean(round.gradients);
    auto next = training_.pool().buffer();
    optimizer_->step(x_[0].values->data(), mean->data(), next->data(), 1);
    round.next[0].values = std::move(next);
  }

  void compare(const Round& round) {
    const auto workers = double(round.gradients.size());
    for (std::size_t i = 0; i < round.payloads[0].size(); ++i) {
      double sum = 0, size = 0;
      for (const GradientRef& g : round.gradients) {
        const double part = double((*g->value)[i]) / workers;
        sum += part;
        size += std::abs(part);
      }
      const double bound = 2 * (workers + 1) * 0x1p-24 * size + 1e-37;
      for (const Values& received : round.payloads)
        sum_error_ = std::max(sum_error_, std::abs(double(received[i]) - sum) / bound);
    }
  }

  Training& training_;
  Options options_;
  std::vector<double> buckets_;
  std::unique_ptr<Optimizer> optimizer_;
  Parameters x_;                         // the newest version that all workers have
  std::map<std::size_t, Round> rounds_;  // by step; at most two at a time
  ReductionRecord record_;
  double sum_error_ = -1;
};

}  // namespace

AggregateMaker all_reduce(Reader& in) {
  in.about("a collective in buckets, overlapping with the backward (as PyTorch's DistributedDataParallel)");
  Options options;
  std::vector<std::string> algorithms = collectives::all().kinds();
  algorithms.insert(algorithms.begin(), "auto");
  const std::string algorithm =
      in.text("algorithm", {.choices = algorithms, .fallback = "auto", .help = "of the collective; auto: ring"});
  constexpr double mebibyte = 1 << 20;
  options.bucket = in.bytes(
      "bucket",
      {.above_minimum = true, .fallback = 25 * mebibyte, .help = "a bucket closes when it has reached this size"});
  options.first_bucket =
      in.bytes("first_bucket", {.above_minimum = true,
                                .fallback = in.has("bucket") ? options.bucket : mebibyte,
                                .help = "size of the first bucket; by default 1 MiB, or `bucket` where that is given"});
  options.overlap = in.boolean("overlap", true, "communicate during the backward; false: after it");
  options.algorithm = collectives::all().named(algorithm == "auto" ? "ring" : algorithm);
  return {false, [options](Training& training) { return std::make_unique<AllReduceMean>(training, options); }};
}

}  // namespace paceline::aggregates
