// top_k: of a = e + g over the flat gradient the k = max(1, ⌊rD⌋) entries of largest |a|, ties to the lower index, each
// as a value and an index of 4 bytes; e is the rest of a, or always 0 without error feedback.
// Aji, Heafield, "Sparse communication for distributed gradient descent", EMNLP 2017; Stich, Cordonnier, Jaggi,
// "Sparsified SGD with memory", NeurIPS 2018.
#include <utility>

#include "sim/compressors/keys.hpp"
#include "sim/compressors/magnitude.hpp"
#include "sim/compressors/residuals.hpp"

namespace paceline::compressors {
namespace {

class TopK final : public Compressor {
 public:
  TopK(double ratio, bool feedback, const CompressorMaker::For& what)
      : k_(kept(ratio, what.size)), bytes_(8 * kept(ratio, what.entries)), feedback_(feedback), residuals_(what) {}

  std::vector<double> bytes(std::int64_t) const override { return {bytes_}; }

  void encode(int worker, std::int64_t, std::span<const float> gradient, std::span<float> sent) override {
    std::fill(sent.begin(), sent.end(), 0.0f);
    if (!feedback_) {
      largest_.each(gradient, k_, [&](std::size_t i) { sent[i] = gradient[i]; });
      return;
    }
    const std::span<float> e = residuals_[worker];
    for (std::size_t i = 0; i < e.size(); ++i) e[i] += gradient[i];
    largest_.each(e, k_, [&](std::size_t i) { sent[i] = std::exchange(e[i], 0.0f); });
  }

  std::span<const float> residual(int worker) const override { return residuals_.peek(worker); }

  std::unique_ptr<Compressor> clone() const override { return std::make_unique<TopK>(*this); }

 private:
  std::size_t k_;
  double bytes_;
  bool feedback_;
  Residuals residuals_;
  Largest largest_;
};

}  // namespace

CompressorMaker top_k(Reader& in) {
  in.about("the k entries of largest magnitude with error feedback, 8 bytes each (Aji, Heafield 2017)");
  const double ratio = read_ratio(in);
  const bool feedback = in.boolean("error_feedback", true, "adds what was not sent to the next gradient");
  return {.name = "top_k",
          .carriage = Carriage::gathered,
          .piecewise = false,
          .keeps_residual = feedback,
          .time = read_time(in),
          .make = [=](const CompressorMaker::For& what) { return std::make_unique<TopK>(ratio, feedback, what); }};
}

}  // namespace paceline::compressors
