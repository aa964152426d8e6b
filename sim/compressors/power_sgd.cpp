// power_sgd: per matrix M = e + g as [out, in] one step of power iteration, from the Q of the step before:
//   P = mean(MQ), its columns made orthonormal;  Q = mean(MᵀP);  result PQᵀ;  e = M - PQᵀ.
// As both are linear, they are taken of the mean of M. A lone worker does the same with a Q of its own. Q starts
// normal. Two collectives: out·r floats of every matrix with all that is not compressed, then in·r of every matrix.
//
// Convolutions are [out, in·kh·kw]. r is at most min(out, in). Tensors with one dimension, and matrices which factors
// do not make smaller, (out + in)·r ≥ out·in, go as they are. A column of MQ that depends on those before it is zero in
// P, and its column of Q stays for the next step.
//
// Vogels, Karimireddy, Jaggi, "PowerSGD: practical low-rank gradient compression", NeurIPS 2019.
#include "models/layers/product.hpp"
#include "sim/compressors/keys.hpp"
#include "sim/compressors/residuals.hpp"
#include "sim/core/random.hpp"

namespace paceline::compressors {
namespace {

struct Matrix {
  std::size_t offset;
  int out, in, rank;
  std::size_t q;  // where its Qᵀ [rank, in] is among all
  std::size_t size() const { return std::size_t(out) * std::size_t(in); }
};

// P [out, r], column by column (modified Gram-Schmidt). A column that is rounding errors alone becomes zero.
void orthogonalize(std::vector<float>& p, std::size_t out, std::size_t r, std::vector<double>& columns) {
  constexpr double noise = 1e-6;  // of sums of floats, relative to the column
  const auto product = [&](std::size_t a, std::size_t b) {
    double sum = 0;
    for (std::size_t i = 0; i < out; ++i) sum += columns[a * out + i] * columns[b * out + i];
    return sum;
  };
  columns.resize(r * out);
  for (std::size_t k = 0; k < r; ++k) {
    for (std::size_t i = 0; i < out; ++i) columns[k * out + i] = double(p[i * r + k]);
    const double before = std::sqrt(product(k, k));
    for (std::size_t j = 0; j < k; ++j) {
      const double along = product(j, k);
      for (std::size_t i = 0; i < out; ++i) columns[k * out + i] -= along * columns[j * out + i];
    }
    const double norm = std::sqrt(product(k, k));
    const bool vanishes = std::isfinite(before) && norm <= noise * before;
    for (std::size_t i = 0; i < out; ++i) {
      double& entry = columns[k * out + i];
      entry = vanishes ? 0 : entry / norm;
      p[i * r + k] = float(entry);
    }
  }
}

class PowerSgd final : public Compressor {
 public:
  PowerSgd(int rank, const CompressorMaker::For& what)
      : size_(what.size), residuals_(what), own_q_(std::size_t(what.workers)) {
    double first = double(size_), second = 0;  // floats of the two collectives
    for (std::size_t t = 0; t < what.tensors.size(); ++t) {
      const Tensor& tensor = what.tensors[t];
      if (tensor.shape.size() < 2 || tensor.count == 0) continue;
      Matrix matrix{tensor.offset, tensor.shape[0], int(tensor.count / std::size_t(tensor.shape[0])), 0, q_.size()};
      matrix.rank = std::min({rank, matrix.out, matrix.in});
      const double p = double(matrix.out) * matrix.rank, q = double(matrix.in) * matrix.rank;
      if (p + q >= double(tensor.count)) continue;
      first += p - double(tensor.count);
      second += q;
      matrices_.push_back(matrix);
      const Stream stream(what.seed, "power_sgd", t);
      for (std::size_t i = 0; i < std::size_t(q); ++i) q_.push_back(float(normal_quantile(stream.uniform(i))));
    }
    const double share = size_ > 0 ? what.entries / double(size_) : 1;
    bytes_ = {size_ > 0 ? 4 * first * share : 4 * what.entries};
    if (second > 0) bytes_.push_back(4 * second * share);
    start_ = q_;
  }

  std::vector<double> bytes(std::int64_t) const override { return bytes_; }

  void encode(int worker, std::int64_t, std::span<const float> gradient, std::span<float> sent) override {
    Values& q = own_q_[std::size_t(worker)];
    if (q.empty()) q = start_;
    const float* const values = gradient.data();
    const double weight = 1;
    exchange(worker, {&values, 1}, {&weight, 1}, q, sent);
  }

  void reduce(std::int64_t, std::span<const float* const> gradients, std::span<const double> weights,
              std::span<float> result) override {
    exchange(0, gradients, weights, q_, result);
  }

  std::span<const float> residual(int worker) const override { return residuals_.peek(worker); }

  std::unique_ptr<Compressor> clone() const override { return std::make_unique<PowerSgd>(*this); }

 private:
  // Of the workers from `first` on. Residuals stay zero where nothing is compressed.
  void exchange(int first, std::span<const float* const> gradients, std::span<const double> weights, Values& q,
                std::span<float> result) {
    mean_.assign(size_, 0.0f);
    for (std::size_t w = 0; w < gradients.size(); ++w) {
      const std::span<float> e = residuals_[first + int(w)];
      const float weight = float(weights[w]);
      for (std::size_t i = 0; i < size_; ++i) mean_[i] += weight * (e[i] + gradients[w][i]);
    }
    std::copy(mean_.begin(), mean_.end(), result.begin());
    for (const Matrix& matrix : matrices_) approximate(matrix, &q[matrix.q], &result[matrix.offset]);
    for (std::size_t w = 0; w < gradients.size(); ++w) {
      const std::span<float> e = residuals_[first + int(w)];
      for (const Matrix& matrix : matrices_)
        for (std::size_t i = matrix.offset; i < matrix.offset + matrix.size(); ++i)
          e[i] = (e[i] + gradients[w][i]) - result[i];
    }
  }

  void approximate(const Matrix& matrix, float* q, float* result) {
    const auto [offset, out, in, r, _] = matrix;
    const float* const m = &mean_[offset];
    const std::size_t columns = std::size_t(r), width = std::size_t(in);
    p_.resize(std::size_t(out) * columns);
    next_q_.resize(columns * width);
    single_threaded();
    product_transposed(out, r, in, m, q, p_.data());
    orthogonalize(p_, std::size_t(out), columns, columns_);
    transposed_product(r, in, out, p_.data(), m, false, next_q_.data());
    product(out, in, r, p_.data(), next_q_.data(), result);
    for (std::size_t k = 0; k < columns; ++k)
      if (!vanished(std::size_t(out), k)) std::copy_n(&next_q_[k * width], width, q + k * width);
  }

  bool vanished(std::size_t out, std::size_t k) const {
    const auto column = columns_.begin() + std::ptrdiff_t(k * out);
    return std::all_of(column, column + std::ptrdiff_t(out), [](double x) { return x == 0; });
  }

  std::size_t size_;
  std::vector<double> bytes_;
  std::vector<Matrix> matrices_;
  Residuals residuals_;
  Values start_, q_;                      // Qᵀ of all matrices, at the start and of all workers together
  std::vector<Values> own_q_;             // of a worker that is alone
  std::vector<float> mean_, p_, next_q_;  // scratch
  std::vector<double> columns_;
};

}  // namespace

CompressorMaker power_sgd(Reader& in) {
  in.about("PowerSGD: matrices as a product of two of low rank, with error feedback (Vogels et al. 2019)");
  const int rank = int(in.integer("rank", {.minimum = 1, .maximum = 1 << 20, .help = "columns of P and of Q"}));
  return {.name = "power_sgd",
          .carriage = Carriage::summed,
          .piecewise = false,
          .keeps_residual = true,
          .time = read_time(in),
          .make = [rank](const CompressorMaker::For& what) { return std::make_unique<PowerSgd>(rank, what); }};
}

}  // namespace paceline::compressors
