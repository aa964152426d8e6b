// random_k: k = max(1, ⌊rD⌋) entries chosen at random, the same at all workers by (seed, step), so that they can be
// summed and their indices need no bytes; 4 bytes each. Without error feedback they are scaled by D/k: unbiased. With
// it they are those of a = e + g, and e is the rest.
// Stich, Cordonnier, Jaggi, "Sparsified SGD with memory", NeurIPS 2018.
#include <utility>

#include "sim/compressors/draws.hpp"
#include "sim/compressors/keys.hpp"
#include "sim/compressors/residuals.hpp"

namespace paceline::compressors {
namespace {

class RandomK final : public Compressor {
 public:
  RandomK(double ratio, bool feedback, const CompressorMaker::For& what)
      : size_(what.size),
        k_(kept(ratio, what.size)),
        bytes_(4 * kept(ratio, what.entries)),
        feedback_(feedback),
        seed_(what.seed),
        residuals_(what) {}

  std::vector<double> bytes(std::int64_t) const override { return {bytes_}; }

  void encode(int worker, std::int64_t step, std::span<const float> gradient, std::span<float> sent) override {
    choose(step);
    std::fill(sent.begin(), sent.end(), 0.0f);
    if (!feedback_) {
      const float scale = float(double(size_) / double(k_));
      for (const std::size_t i : chosen_) sent[i] = scale * gradient[i];
      return;
    }
    const std::span<float> e = residuals_[worker];
    for (std::size_t i = 0; i < size_; ++i) e[i] += gradient[i];
    for (const std::size_t i : chosen_) sent[i] = std::exchange(e[i], 0.0f);
  }

  std::span<const float> residual(int worker) const override { return residuals_.peek(worker); }

  std::unique_ptr<Compressor> clone() const override { return std::make_unique<RandomK>(*this); }

 private:
  // Selection sampling (Knuth, volume 2, algorithm S): entry i is taken with the probability that is left for it.
  void choose(std::int64_t step) {
    if (step == step_) return;
    step_ = step;
    chosen_.clear();
    const Draws draws(seed_, "random_k", 0, step);
    for (std::size_t i = 0; chosen_.size() < k_; ++i)
      if (draws.uniform(i) * double(size_ - i) < double(k_ - chosen_.size())) chosen_.push_back(i);
  }

  std::size_t size_, k_;
  double bytes_;
  bool feedback_;
  std::uint64_t seed_;
  Residuals residuals_;
  std::int64_t step_ = -1;
  std::vector<std::size_t> chosen_;  // at that step
};

}  // namespace

CompressorMaker random_k(Reader& in) {
  in.about("k random entries, the same ones at all workers, 4 bytes each (Stich et al. 2018)");
  const double ratio = read_ratio(in);
  const bool feedback = in.boolean("error_feedback", false, "keeps what is not sent, instead of scaling by D/k");
  return {.name = "random_k",
          .carriage = Carriage::summed,
          .piecewise = false,
          .keeps_residual = feedback,
          .time = read_time(in),
          .make = [=](const CompressorMaker::For& what) { return std::make_unique<RandomK>(ratio, feedback, what); }};
}

}  // namespace paceline::compressors
