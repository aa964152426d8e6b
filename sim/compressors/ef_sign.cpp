// ef_sign: signs with error feedback. Of a = e + g a worker sends (‖a‖₁/D)·sign(a), a bit per entry and a float, with
// sign(0) = 0; e is the rest of a.
// Karimireddy et al., "Error feedback fixes SignSGD and other gradient compression schemes", ICML 2019.
#include "sim/compressors/keys.hpp"
#include "sim/compressors/magnitude.hpp"
#include "sim/compressors/residuals.hpp"

namespace paceline::compressors {
namespace {

class EfSign final : public Compressor {
 public:
  explicit EfSign(const CompressorMaker::For& what) : entries_(what.entries), residuals_(what) {}
  std::vector<double> bytes(std::int64_t) const override { return {4 + entries_ / 8}; }

  void encode(int worker, std::int64_t, std::span<const float> gradient, std::span<float> sent) override {
    const std::span<float> e = residuals_[worker];
    double norm = 0;
    for (std::size_t i = 0; i < e.size(); ++i) {
      e[i] += gradient[i];
      norm += double(std::fabs(e[i]));
    }
    const float mean = float(norm / double(e.size()));
    for (std::size_t i = 0; i < e.size(); ++i) {
      sent[i] = mean * sign(e[i]);
      e[i] -= sent[i];
    }
  }

  std::span<const float> residual(int worker) const override { return residuals_.peek(worker); }

  std::unique_ptr<Compressor> clone() const override { return std::make_unique<EfSign>(*this); }

 private:
  double entries_;
  Residuals residuals_;
};

}  // namespace

CompressorMaker ef_sign(Reader& in) {
  in.about("signs, scaled by the mean magnitude, with error feedback (Karimireddy et al. 2019)");
  return {.name = "ef_sign",
          .carriage = Carriage::gathered,
          .piecewise = false,
          .keeps_residual = true,
          .time = read_time(in),
          .make = [](const CompressorMaker::For& what) { return std::make_unique<EfSign>(what); }};
}

}  // namespace paceline::compressors
