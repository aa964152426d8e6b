#include "sim/strategies/gradient_pool.hpp"

#include <algorithm>
#include <numeric>

namespace paceline {
namespace {

constexpr std::size_t ahead = 8;                        // gradients computed at once, for each thread
constexpr std::size_t budget = std::size_t{256} << 20;  // bytes of them
constexpr std::size_t evaluation_block = 500;

// Rows of a block of a sum: a few blocks for a small sum, blocks of 512 for a big one.
std::size_t block_of(std::size_t rows) {
  return std::clamp((rows / 4 + 31) / 32 * 32, std::size_t{64}, std::size_t{512});
}

bool same_version(const Parameters& a, const Parameters& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Version& x, const Version& y) { return x.values == y.values; });
}

}  // namespace

Gradient::~Gradient() {
  if (!value && pool.real()) std::erase(pool.pending_, this);
}

GradientPool::GradientPool(Numerics numerics, Batches batches, Threads& threads)
    : numerics_(std::move(numerics)),
      batches_(std::move(batches)),
      threads_(threads),
      workspaces_(std::size_t(threads.count())),
      free_(std::make_shared<std::vector<std::unique_ptr<Values>>>()) {}

GradientPool::~GradientPool() = default;

std::shared_ptr<Values> GradientPool::buffer() {
  std::unique_ptr<Values> values;
  if (free_->empty()) {
    values = std::make_unique<Values>(size());
  } else {
    values = std::move(free_->back());
    free_->pop_back();
  }
  return {values.release(), [free = free_](Values* used) { free->emplace_back(used); }};
}

GradientRef GradientPool::make(int worker, std::int64_t step, Parameters at, int batches) {
  const int samples = balance() ? 0 : batches * batches_.size(worker);
  auto gradient = std::make_shared<Gradient>(*this, worker, step, batches, samples, std::move(at));
  if (balance() && !piecemeal()) take(*gradient);
  if (real()) pending_.push_back(gradient.get());
  return gradient;
}

int GradientPool::take(Gradient& gradient) {
  const Batches::Slice slice = batches_.take(gradient.worker, gradient.step);
  if (slice.count > 0) gradient.taken.push_back(slice);
  gradient.samples += slice.count;
  return slice.count;
}

std::shared_ptr<const Values> GradientPool::value(const GradientRef& gradient) {
  if (real() && !gradient->value) compute({&gradient, 1});
  return gradient->value;
}

std::shared_ptr<const Values> GradientPool::mean(std::span<const GradientRef> gradients, Averaging averaging) {
  if (!real()) return nullptr;
  if (gradients.size() == 1) return value(gradients[0]);
  const bool one_sum = std::all_of(gradients.begin(), gradients.end(), [&](const GradientRef& g) {
    return g->only_summed && !g->value && same_version(g->at, gradients[0]->at) &&
           (averaging == Averaging::weighted || g->samples == gradients[0]->samples);
  });
  const std::size_t samples =
      std::accumulate(gradients.begin(), gradients.end(), std::size_t{0},
                      [](std::size_t sum, const GradientRef& g) { return sum + std::size_t(g->samples); });
  if (!one_sum) {
    compute(gradients);
    auto sum = buffer();
    std::fill(sum->begin(), sum->end(), 0.0f);
    for (const GradientRef& g : gradients) {
      const bool uniform = averaging == Averaging::uniform;
      const float weight = float(uniform ? 1.0 / double(gradients.size()) : double(g->samples) / double(samples));
      for (std::size_t i = 0; i < sum->size(); ++i) (*sum)[i] += weight * (*g->value)[i];
    }
    return sum;
  }

  rows_.clear();
  for (const GradientRef& g : gradients) append_rows(*g);
  std::list<Values> gathered;
  const float* x = whole(gradients[0]->at, gathered);
  std::vector<Job> jobs;
  const std::size_t block = block_of(rows_.size());
  for (std::size_t at = 0; at < rows_.size(); at += block)
    jobs.push_back({x, at, std::min(block, rows_.size() - at), 1.0f / float(samples), buffer(), {}});
  run(jobs);
  const std::shared_ptr<Values> sum = jobs[0].sum;
  std::vector<double> losses;
  for (Job& job : jobs) {
    if (job.sum != sum)
      for (std::size_t i = 0; i < sum->size(); ++i) (*sum)[i] += (*job.sum)[i];
    losses.insert(losses.end(), job.losses.begin(), job.losses.end());
  }
  std::size_t first = 0;
  for (const GradientRef& g : gradients) {
    settle_loss(*g, std::span(losses).subspan(first, std::size_t(g->samples)));
    first += std::size_t(g->samples);
    g->let_go();
    std::erase(pending_, g.get());
  }
  return sum;
}

void GradientPool::append_rows(const Gradient& gradient) {
  for (const Batches::Slice slice : gradient.taken) batches_.append(gradient.worker, slice, rows_);
  if (balance()) return;
  for (int i = 0; i < gradient.batches; ++i) batches_.append(gradient.worker, gradient.step + i, rows_);
}

// The needed ones, and others that are pending: first those that their devices are through with.
void GradientPool::compute(std::span<const GradientRef> needed) {
  std::vector<Gradient*> chosen;
  if (!real()) return;
  for (const GradientRef& g : needed)
    if (!g->value) chosen.push_back(g.get());
  if (chosen.empty()) return;
  // One thread alone computes none ahead: a gradient is still in its cache when it is used.
  const std::size_t together = threads_.count() == 1 ? 1 : ahead * std::size_t(threads_.count());
  const std::size_t room = std::max<std::size_t>(1, std::min(together, budget / (size() * sizeof(float))));
  for (bool through : {true, false}) {
    for (Gradient* g : pending_) {
      if (chosen.size() >= room) break;
      if (!g->only_summed && g->computed_on_device == through &&
          std::find(chosen.begin(), chosen.end(), g) == chosen.end())
        chosen.push_back(g);
    }
  }
  rows_.clear();
  std::list<Values> gathered;
  std::vector<Job> jobs;
  for (const Gradient* g : chosen) {
    const std::size_t first = rows_.size();
    append_rows(*g);
    jobs.push_back({whole(g->at, gathered), first, rows_.size() - first, 1.0f / float(g->samples), buffer(), {}});
  }
  run(jobs);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    Gradient& g = *chosen[i];
    g.value = std::move(jobs[i].sum);
    settle_loss(g, jobs[i].losses);
    g.let_go();
    std::erase(pending_, &g);
  }
}

const float* GradientPool::whole(const Parameters& at, std::list<Values>& gathered) const {
  if (at.size() == 1) return at[0].values->data();
  Values& all = gathered.emplace_back();
  for (const Version& shard : at) all.insert(all.end(), shard.values->begin(), shard.values->end());
  return all.data();
}

void GradientPool::run(std::vector<Job>& jobs) {
  threads_.run(jobs.size(), [&](std::size_t index, int thread) {
    Job& job = jobs[index];
    job.losses.resize(job.count);
    if (job.count == 0) {
      std::fill(job.sum->begin(), job.sum->end(), 0.0f);
      return;
    }
    const Rows rows{*numerics_.data, Part::train, std::span(rows_).subspan(job.first, job.count)};
    numerics_.model->gradient(job.x, rows, job.scale, job.sum->data(), job.losses.data(),
                              workspaces_[std::size_t(thread)]);
  });
}

void GradientPool::settle_loss(Gradient& gradient, std::span<const double> losses) {
  if (!losses.empty()) gradient.loss = std::accumulate(losses.begin(), losses.end(), 0.0) / double(losses.size());
  ++computed_;
}

Evaluation GradientPool::evaluate(const Values& x) {
  if (!real()) return {};
  const DataShape& shape = numerics_.data->shape();
  const std::size_t rows = shape.test_rows, labels = std::size_t(shape.labels);
  if (rows == 0) return {};
  std::vector<std::uint32_t> all(rows);
  std::iota(all.begin(), all.end(), 0u);
  std::vector<double> losses(rows);
  std::vector<std::uint8_t> hits(rows * labels);
  threads_.run((rows + evaluation_block - 1) / evaluation_block, [&](std::size_t block, int thread) {
    const std::size_t first = block * evaluation_block, count = std::min(evaluation_block, rows - first);
    const Rows part{*numerics_.data, Part::test, std::span(all).subspan(first, count)};
    numerics_.model->evaluate(x.data(), part, &losses[first], hits.data() + first * labels,
                              workspaces_[std::size_t(thread)]);
  });
  Evaluation made{std::accumulate(losses.begin(), losses.end(), 0.0) / double(rows), {}};
  if (labels > 0)
    made.accuracy = double(std::accumulate(hits.begin(), hits.end(), std::size_t{0})) / double(hits.size());
  return made;
}

}  // namespace paceline
