// dynamic: batches in proportion to measured speeds, planned anew every so many steps (LB-BSP: Chen et al. 2020,
// "Semi-dynamic load balancing"). A worker's speed is its samples over the time that its device took for them since the
// plan before, stragglers and jitter included: b_w = B v_w / Σ v. The first plan is the sizes that are given. A plan is
// made when the first worker begins its first step; all are through with the step before by then.
#include "sim/strategies/balance.hpp"

namespace paceline::balances {
namespace {

class Dynamic final : public Balance {
 public:
  Dynamic(const std::vector<int>& sizes, std::int64_t every)
      : every_(every), next_(every), sizes_(sizes), work_(sizes.size()) {
    place();
  }

  Portion take(int worker, std::int64_t step) override {
    if (step >= next_) {
      plan();
      next_ += every_;
    }
    const auto w = std::size_t(worker);
    return {offsets_[w], sizes_[w]};
  }

  void measured(int worker, int samples, Span time) override {
    Work& work = work_[std::size_t(worker)];
    work.samples += samples;
    work.time += time;
  }

 private:
  struct Work {
    std::int64_t samples = 0;
    Span time{0};
  };

  // Where a device took no time there is no speed, and the plan stays.
  void plan() {
    std::vector<double> speeds;
    for (const Work& work : work_)
      if (work.time > Span{0}) speeds.push_back(double(work.samples) / to_seconds(work.time));
    if (speeds.size() == work_.size()) sizes_ = share_out(samples_of(sizes_), speeds);
    work_.assign(work_.size(), {});
    place();
  }

  void place() {
    offsets_.clear();
    std::int64_t offset = 0;
    for (const int size : sizes_) {
      offsets_.push_back(offset);
      offset += size;
    }
  }

  std::int64_t every_, next_;
  std::vector<int> sizes_;
  std::vector<std::int64_t> offsets_;
  std::vector<Work> work_;  // since the plan, by worker
};

}  // namespace

BalanceMaker dynamic(Reader& in) {
  in.about("batches in proportion to measured speeds, planned anew every so many steps (LB-BSP, Chen et al. 2020)");
  const std::int64_t every = in.integer("every", {.minimum = 1, .fallback = 10, .help = "steps from plan to plan"});
  return {{}, [every](const std::vector<int>& sizes) {
            samples_of(sizes);
            return std::make_unique<Dynamic>(sizes, every);
          }};
}

}  // namespace paceline::balances
