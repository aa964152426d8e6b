// terngrad: with s = max |g| of a tensor every entry becomes s·sign(g) with probability |g|/s, else 0: unbiased. 32
// bits per tensor and 2 per entry. Neither clips gradients nor shares s among workers, which the paper has as options.
// Wen et al., "TernGrad: ternary gradients to reduce communication in distributed deep learning", NeurIPS 2017.
#include <cmath>

#include "sim/compressors/compressor.hpp"
#include "sim/compressors/draws.hpp"
#include "sim/compressors/keys.hpp"
#include "sim/compressors/magnitude.hpp"

namespace paceline::compressors {
namespace {

class TernGrad final : public Compressor {
 public:
  explicit TernGrad(const CompressorMaker::For& what)
      : tensors_(what.tensors.begin(), what.tensors.end()),
        bytes_((32 * double(tensors_.size()) + 2 * what.entries) / 8),
        seed_(what.seed) {}

  std::vector<double> bytes(std::int64_t) const override { return {bytes_}; }

  void encode(int worker, std::int64_t step, std::span<const float> gradient, std::span<float> sent) override {
    const Draws draws(seed_, "terngrad", worker, step);
    for (const Tensor& tensor : tensors_) {
      const float s = largest_magnitude(gradient.subspan(tensor.offset, tensor.count));
      if (std::isfinite(s)) {
        for (std::size_t i = tensor.offset; i < tensor.offset + tensor.count; ++i) {
          const bool taken = draws.uniform(i) * double(s) < std::fabs(double(gradient[i]));
          sent[i] = taken ? std::copysign(s, gradient[i]) : 0.0f;
        }
      } else {
        const auto own = sent.subspan(tensor.offset, tensor.count);
        std::fill(own.begin(), own.end(), NAN);
      }
    }
  }

  std::unique_ptr<Compressor> clone() const override { return std::make_unique<TernGrad>(*this); }

 private:
  std::vector<Tensor> tensors_;
  double bytes_;
  std::uint64_t seed_;
};

}  // namespace

CompressorMaker terngrad(Reader& in) {
  in.about("entries rounded at random to 0 or the tensor's largest magnitude, unbiased (Wen et al. 2017)");
  return {.name = "terngrad",
          .carriage = Carriage::gathered,
          .piecewise = true,
          .keeps_residual = false,
          .time = read_time(in),
          .make = [](const CompressorMaker::For& what) { return std::make_unique<TernGrad>(what); }};
}

}  // namespace paceline::compressors
