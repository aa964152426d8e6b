// fp16: IEEE 754 binary16, rounded to nearest, ties to even; 2 bytes per entry. From 65,520 on it is infinity, below
// 2⁻¹⁴ a multiple of 2⁻²⁴; NaN stays NaN. Sums are those of float32. The gradient is not scaled beforehand.
// Micikevicius et al., "Mixed precision training", ICLR 2018.
#include <bit>
#include <cmath>
#include <limits>

#include "sim/compressors/compressor.hpp"
#include "sim/compressors/keys.hpp"

namespace paceline::compressors {
namespace {

float rounded(float x) {
  const float size = std::fabs(x);
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(size);
  const float normal = std::bit_cast<float>((bits + 0xFFFu + (bits >> 13 & 1u)) & ~0x1FFFu);  // 11 bits of 24 are kept
  const float bounded = normal < 65536.0f ? normal : std::numeric_limits<float>::infinity();
  const float subnormal = (size + 0.5f) - 0.5f;  // floats in [0.5, 1) are multiples of 2⁻²⁴
  const float nearest = std::copysign(size < 0x1p-14f ? subnormal : bounded, x);
  return x == x ? nearest : x;
}

class Fp16 final : public Compressor {
 public:
  explicit Fp16(double entries) : entries_(entries) {}
  std::vector<double> bytes(std::int64_t) const override { return {2 * entries_}; }
  void encode(int, std::int64_t, std::span<const float> gradient, std::span<float> sent) override {
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = rounded(gradient[i]);
  }

  std::unique_ptr<Compressor> clone() const override { return std::make_unique<Fp16>(*this); }

 private:
  double entries_;
};

}  // namespace

CompressorMaker fp16(Reader& in) {
  in.about("2 bytes per entry: half precision, infinite from 65,520 on; summed in float32");
  return {.name = "fp16",
          .carriage = Carriage::summed,
          .piecewise = true,
          .keeps_residual = false,
          .time = read_time(in),
          .make = [](const CompressorMaker::For& what) { return std::make_unique<Fp16>(what.entries); }};
}

}  // namespace paceline::compressors
