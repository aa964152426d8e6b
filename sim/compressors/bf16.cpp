// bf16: bfloat16, the upper half of a float, rounded to nearest, ties to even; 2 bytes per entry. Above its largest
// number, (2 - 2⁻⁷)·2¹²⁷, by half a step or more comes infinity; NaN stays NaN. Sums are those of float32.
// Kalamkar et al., "A study of BFLOAT16 for deep learning training", arXiv 1905.12322.
#include <bit>

#include "sim/compressors/compressor.hpp"
#include "sim/compressors/keys.hpp"

namespace paceline::compressors {
namespace {

float rounded(float x) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  const float nearest = std::bit_cast<float>((bits + 0x7FFFu + (bits >> 16 & 1u)) & 0xFFFF0000u);
  return x == x ? nearest : x;
}

class Bf16 final : public Compressor {
 public:
  explicit Bf16(double entries) : entries_(entries) {}
  std::vector<double> bytes(std::int64_t) const override { return {2 * entries_}; }
  void encode(int, std::int64_t, std::span<const float> gradient, std::span<float> sent) override {
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = rounded(gradient[i]);
  }

  std::unique_ptr<Compressor> clone() const override { return std::make_unique<Bf16>(*this); }

 private:
  double entries_;
};

}  // namespace

CompressorMaker bf16(Reader& in) {
  in.about("2 bytes per entry: bfloat16, the range of a float with 8 bits of precision; summed in float32");
  return {.name = "bf16",
          .carriage = Carriage::summed,
          .piecewise = true,
          .keeps_residual = false,
          .time = read_time(in),
          .make = [](const CompressorMaker::For& what) { return std::make_unique<Bf16>(what.entries); }};
}

}  // namespace paceline::compressors
