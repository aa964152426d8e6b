// GradientPool: where gradients become numbers. When one is needed, others that are pending are begun with it and
// computed in parallel, while the simulation goes on; those that are only ever summed at one version are computed as
// one sum over their concatenated batches.
//
// Results do not depend on the number of threads, to the bit: work is split into blocks by simulated facts alone, each
// block runs on one thread, and blocks are summed in order. Without numerics everything here does nothing.
#pragma once
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/model.hpp"
#include "sim/strategies/batches.hpp"
#include "sim/strategies/gradient.hpp"
#include "sim/strategies/journal.hpp"
#include "sim/strategies/threads.hpp"

namespace paceline {

// What is trained on what. Null: timing only.
struct Numerics {
  std::shared_ptr<const Dataset> data;
  std::shared_ptr<const Model> model;
};

// How much a gradient counts in a mean: by its samples, or as much as every other.
enum class Averaging { weighted, uniform };

class GradientPool {
 public:
  GradientPool(Numerics numerics, Batches batches, Threads& threads);
  ~GradientPool();
  GradientPool(const GradientPool&) = delete;

  bool real() const { return numerics_.model != nullptr; }
  std::size_t size() const { return real() ? numerics_.model->size() : 0; }
  // Of the tensors in the flat vector, or of what [begin, end) has of them.
  std::vector<std::size_t> tensor_sizes() const { return tensor_sizes(0, size()); }
  std::vector<std::size_t> tensor_sizes(std::size_t begin, std::size_t end) const {
    return numerics_.model->tensor_sizes(begin, end);
  }
  const Dataset* data() const { return numerics_.data.get(); }
  const Batches& batches() const { return batches_; }
  std::uint64_t computed() const { return computed_; }  // gradients, those inside sums included

  // [size], with whatever was there before; goes back for use again when the last reference goes.
  std::shared_ptr<Values> buffer();

  // The gradient of worker w's k-th batch, or of several from there on, at what it pulled. Costs nothing yet.
  GradientRef make(int worker, std::int64_t step, Parameters at, int batches = 1);
  // Workers come back for more samples of a step (see balance.hpp), and take them; 0: there are none left.
  bool piecemeal() const { return balance() && balance()->piecemeal(); }
  int take(Gradient& gradient);
  Balance* balance() const { return batches_.balance(); }

  // [size]; null without numerics.
  std::shared_ptr<const Values> value(const GradientRef& gradient);
  // Σ n_g g / Σ n_g over the gradients, with n_g their samples, or Σ g / N; null without numerics.
  std::shared_ptr<const Values> mean(std::span<const GradientRef> gradients, Averaging averaging = Averaging::weighted);
  // All of them at once, in parallel.
  void compute(std::span<const GradientRef> needed);
  // On the test set; empty without numerics.
  Evaluation evaluate(const Values& x);

  // Keeps a journal; while that is played, nothing is computed: gradients are 0.
  void keep(Journal& journal) { journal_ = &journal; }
  // Gradients are begun ahead for so many threads; at first for those there are.
  int ahead_for() const { return ahead_for_; }
  void set_ahead_for(int threads) { ahead_for_ = threads; }
  // Waits until nothing is being computed.
  void rest();
  // The first numbers of buffers that nobody uses.
  std::vector<const void*> unused() const;

 private:
  friend struct Gradient;
  void append_rows(const Gradient& gradient, std::vector<std::uint32_t>& rows);
  const float* whole(const Parameters& at, Values& gathered) const;
  void begin_ahead();
  void begin(Gradient& gradient);
  void finish(Gradient& gradient);
  void abandon(Gradient& gradient);
  void settle_loss(Gradient& gradient, std::span<const double> losses);
  bool is_played() const { return journal_ && journal_->is_played(); }

  Numerics numerics_;
  Batches batches_;
  Threads& threads_;
  std::vector<Workspace> workspaces_;  // by thread
  std::list<Gradient*> pending_;       // not begun, in order of making
  std::vector<Gradient*> begun_;       // and not finished
  std::shared_ptr<std::vector<std::unique_ptr<Values>>>
      free_;  // buffers to use again; lives as long as the last of them
  std::uint64_t computed_ = 0;
  Journal* journal_ = nullptr;
  int ahead_for_;
};

}  // namespace paceline
