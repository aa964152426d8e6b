// qsgd: every entry of a tensor v becomes sign(v_i)·‖v‖₂·l/s with a level l of 0 … s: with a = s|v_i|/‖v‖ it is ⌊a⌋ + 1
// with probability a - ⌊a⌋, else ⌊a⌋: unbiased. 32 bits per tensor and ⌈log2(2s + 1)⌉ per entry, without entropy
// coding. Alistarh et al., "QSGD: communication-efficient SGD via gradient quantization and encoding", NeurIPS 2017.
#include <bit>
#include <cmath>

#include "sim/compressors/compressor.hpp"
#include "sim/compressors/draws.hpp"
#include "sim/compressors/keys.hpp"

namespace paceline::compressors {
namespace {

class Qsgd final : public Compressor {
 public:
  Qsgd(int levels, const CompressorMaker::For& what)
      : levels_(levels),
        tensors_(what.tensors.begin(), what.tensors.end()),
        bytes_((32 * double(tensors_.size()) + what.entries * double(std::bit_width(2 * unsigned(levels)))) / 8),
        seed_(what.seed) {}

  std::vector<double> bytes(std::int64_t) const override { return {bytes_}; }

  void encode(int worker, std::int64_t step, std::span<const float> gradient, std::span<float> sent) override {
    const Draws draws(seed_, "qsgd", worker, step);
    for (const Tensor& tensor : tensors_) {
      double squares = 0;
      for (const float x : gradient.subspan(tensor.offset, tensor.count)) squares += double(x) * double(x);
      const float norm = float(std::sqrt(squares));
      const auto own = sent.subspan(tensor.offset, tensor.count);
      if (norm == 0) std::fill(own.begin(), own.end(), 0.0f);
      else if (!std::isfinite(norm)) std::fill(own.begin(), own.end(), NAN);
      else
        for (std::size_t i = tensor.offset; i < tensor.offset + tensor.count; ++i)
          sent[i] = rounded(gradient[i], norm, draws.uniform(i));
    }
  }

  std::unique_ptr<Compressor> clone() const override { return std::make_unique<Qsgd>(*this); }

 private:
  float rounded(float x, float norm, double uniform) const {
    const double levels = levels_, unit = double(norm) / levels;
    const double a = std::min(levels, std::fabs(double(x)) / unit), below = double(int(a));
    return std::copysign(float(unit * (uniform < a - below ? below + 1 : below)), x);
  }

  int levels_;
  std::vector<Tensor> tensors_;
  double bytes_;
  std::uint64_t seed_;
};

}  // namespace

CompressorMaker qsgd(Reader& in) {
  in.about("entries rounded at random to levels of the tensor's norm, unbiased (Alistarh et al. 2017)");
  const int levels = int(in.integer("levels", {.minimum = 1, .maximum = 1 << 30, .help = "above 0, up to the norm"}));
  return {.name = "qsgd",
          .carriage = Carriage::gathered,
          .piecewise = true,
          .keeps_residual = false,
          .time = read_time(in),
          .make = [levels](const CompressorMaker::For& what) { return std::make_unique<Qsgd>(levels, what); }};
}

}  // namespace paceline::compressors
