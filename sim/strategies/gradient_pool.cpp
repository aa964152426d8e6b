#include "sim/strategies/gradient_pool.hpp"

#include <algorithm>
#include <numeric>

#include "sim/core/frame_pool.hpp"

namespace paceline {
namespace {

constexpr std::size_t ahead = 8;                        // gradients computed before they are needed, for each thread
constexpr std::size_t budget = std::size_t{256} << 20;  // bytes of them
constexpr std::size_t evaluation_block = 500;
constexpr std::size_t cached = 4096;  // floats that stay in the first cache while others are added to them

// Rows of a block of a sum: a few blocks for a small sum, blocks of 512 for a big one.
std::size_t block_of(std::size_t rows) {
  return std::clamp((rows / 4 + 31) / 32 * 32, std::size_t{64}, std::size_t{512});
}

bool same_version(const Parameters& a, const Parameters& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Version& x, const Version& y) { return x.values == y.values; });
}

}  // namespace

// What is computed of it: Σ over its rows, on some thread.
struct Gradient::Computation {
  const float* x;
  Values gathered;  // where x is several shards
  std::vector<std::uint32_t> rows;
  std::shared_ptr<Values> sum;
  Numbers<double> losses;
  Threads::Ticket ticket;  // null: played from a journal
};

Gradient::Gradient(GradientPool& in, int of_worker, std::int64_t of_step, int of_batches, int of_samples,
                   Parameters pulled)
    : pool(in), worker(of_worker), step(of_step), batches(of_batches), samples(of_samples), at(std::move(pulled)) {}

Gradient::~Gradient() {
  if (value || !pool.real()) return;
  if (computation) pool.abandon(*this);
  else std::erase(pool.pending_, this);
}

GradientPool::GradientPool(Numerics numerics, Batches batches, Threads& threads)
    : numerics_(std::move(numerics)),
      batches_(std::move(batches)),
      threads_(threads),
      workspaces_(std::size_t(threads.count())),
      free_(std::make_shared<std::vector<std::unique_ptr<Values>>>()),
      ahead_for_(threads.count()) {}

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
  auto gradient =
      std::allocate_shared<Gradient>(FrameAllocator<Gradient>(), *this, worker, step, batches, samples, std::move(at));
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
    return g->only_summed && !g->value && !g->computation && same_version(g->at, gradients[0]->at) &&
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

  std::vector<std::uint32_t> rows;
  for (const GradientRef& g : gradients) append_rows(*g, rows);
  Values gathered;
  const float* x = whole(gradients[0]->at, gathered);
  const std::size_t block = block_of(rows.size());
  std::vector<std::shared_ptr<Values>> sums((rows.size() + block - 1) / block);
  for (auto& each : sums) each = buffer();
  std::vector<double> losses(rows.size());
  const auto add_block = [&](std::size_t index, int thread) {
    const std::size_t at = index * block, count = std::min(block, rows.size() - at);
    numerics_.model->gradient(x, {*numerics_.data, Part::train, std::span(rows).subspan(at, count)},
                              1.0f / float(samples), sums[index]->data(), losses.data() + at,
                              workspaces_[std::size_t(thread)]);
  };
  if (!is_played()) threads_.run(sums.size(), add_block);
  else
    for (const auto& each : sums) std::fill(each->begin(), each->end(), 0.0f);
  const std::shared_ptr<Values> sum = sums[0];
  for (std::size_t from = 0; from < sum->size(); from += cached) {
    const std::size_t until = std::min(from + cached, sum->size());
    for (std::size_t k = 1; k < sums.size(); ++k)
      for (std::size_t i = from; i < until; ++i) (*sum)[i] += (*sums[k])[i];
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

void GradientPool::append_rows(const Gradient& gradient, std::vector<std::uint32_t>& rows) {
  for (const Batches::Slice slice : gradient.taken) batches_.append(gradient.worker, slice, rows);
  if (balance()) return;
  for (int i = 0; i < gradient.batches; ++i) batches_.append(gradient.worker, gradient.step + i, rows);
}

void GradientPool::compute(std::span<const GradientRef> needed) {
  if (!real()) return;
  for (const GradientRef& g : needed)
    if (!g->value && !g->computation) begin(*g);
  begin_ahead();
  for (const GradientRef& g : needed)
    if (!g->value) finish(*g);
}

// Others that are pending: first those that their devices are through with.
void GradientPool::begin_ahead() {
  // One thread alone computes none ahead: a gradient is still in its cache when it is used.
  const std::size_t together = ahead_for_ == 1 ? 0 : ahead * std::size_t(ahead_for_);
  const std::size_t room = std::min(together, budget / (size() * sizeof(float)));
  if (begun_.size() >= (room + 1) / 2) return;
  std::vector<Gradient*> chosen;
  for (bool through : {true, false})
    for (Gradient* g : pending_)
      if (begun_.size() + chosen.size() < room && !g->only_summed && g->fate == Gradient::Fate::under_way &&
          g->computed_on_device == through)
        chosen.push_back(g);
  for (Gradient* g : chosen) begin(*g);
}

void GradientPool::begin(Gradient& gradient) {
  std::erase(pending_, &gradient);
  begun_.push_back(&gradient);
  gradient.computation = std::make_unique<Gradient::Computation>();
  Gradient::Computation& c = *gradient.computation;
  append_rows(gradient, c.rows);
  c.x = whole(gradient.at, c.gathered);
  c.sum = buffer();
  c.losses.resize(c.rows.size());
  if (is_played()) return std::fill(c.sum->begin(), c.sum->end(), 0.0f);
  const float scale = 1.0f / float(gradient.samples);
  c.ticket = threads_.begin(this, [this, &c, scale](int thread) {
    if (c.rows.empty()) return std::fill(c.sum->begin(), c.sum->end(), 0.0f);
    numerics_.model->gradient(c.x, {*numerics_.data, Part::train, c.rows}, scale, c.sum->data(), c.losses.data(),
                              workspaces_[std::size_t(thread)]);
  });
}

void GradientPool::finish(Gradient& gradient) {
  if (gradient.computation->ticket) threads_.finish(gradient.computation->ticket);
  const auto c = std::move(gradient.computation);
  std::erase(begun_, &gradient);
  gradient.value = std::move(c->sum);
  settle_loss(gradient, c->losses);
  gradient.let_go();
}

void GradientPool::abandon(Gradient& gradient) {
  if (gradient.computation->ticket) threads_.abandon(gradient.computation->ticket);
  std::erase(begun_, &gradient);
}

const float* GradientPool::whole(const Parameters& at, Values& gathered) const {
  if (at.size() == 1) return at[0].values->data();
  for (const Version& shard : at) gathered.insert(gathered.end(), shard.values->begin(), shard.values->end());
  return gathered.data();
}

void GradientPool::settle_loss(Gradient& gradient, std::span<const double> losses) {
  if (is_played()) gradient.loss = journal_->next_loss();
  else if (!losses.empty()) gradient.loss = std::accumulate(losses.begin(), losses.end(), 0.0) / double(losses.size());
  if (journal_ && !is_played()) journal_->losses.push_back(gradient.loss);
  ++computed_;
}

void GradientPool::rest() {
  for (Gradient* gradient : begun_)
    if (gradient->computation->ticket) threads_.finish(gradient->computation->ticket);
}

std::vector<const void*> GradientPool::unused() const {
  std::vector<const void*> all;
  for (const auto& values : *free_) all.push_back(values->data());
  return all;
}

Evaluation GradientPool::evaluate(const Values& x) {
  if (!real()) return {};
  const DataShape& shape = numerics_.data->shape();
  const std::size_t rows = shape.test_rows, labels = std::size_t(shape.labels);
  if (rows == 0) return {};
  if (is_played()) return journal_->next_evaluation();
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
  if (journal_) journal_->evaluations.push_back(made);
  return made;
}

}  // namespace paceline
