// sign_majority: signSGD with majority vote. A worker sends sign(g), a bit per entry; what several amount to is
// sign(Σ sign(g)) with sign(0) = 0, whatever their weights, and it is the learning rate that gives it a size.
// Bernstein et al., "signSGD: compressed optimisation for non-convex problems", ICML 2018.
#include "sim/compressors/compressor.hpp"
#include "sim/compressors/keys.hpp"
#include "sim/compressors/magnitude.hpp"

namespace paceline::compressors {
namespace {

class SignMajority final : public Compressor {
 public:
  explicit SignMajority(double entries) : entries_(entries) {}
  std::vector<double> bytes(std::int64_t) const override { return {entries_ / 8}; }

  void encode(int, std::int64_t, std::span<const float> gradient, std::span<float> sent) override {
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = sign(gradient[i]);
  }

  void combine(std::span<const float* const> sent, std::span<const double>, std::span<float> result) const override {
    std::fill(result.begin(), result.end(), 0.0f);
    for (const float* own : sent)
      for (std::size_t i = 0; i < result.size(); ++i) result[i] += own[i];
    for (float& entry : result) entry = sign(entry);
  }

  std::unique_ptr<Compressor> clone() const override { return std::make_unique<SignMajority>(*this); }

 private:
  double entries_;
};

}  // namespace

CompressorMaker sign_majority(Reader& in) {
  in.about("signSGD: a bit per entry, and the majority of the signs is the update (Bernstein et al. 2018)");
  return {.name = "sign_majority",
          .carriage = Carriage::gathered,
          .piecewise = true,
          .keeps_residual = false,
          .time = read_time(in),
          .make = [](const CompressorMaker::For& what) { return std::make_unique<SignMajority>(what.entries); }};
}

}  // namespace paceline::compressors
