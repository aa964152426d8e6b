// power_sgd against a second implementation in double, worker by worker as in the paper, and limit cases.
#include <gtest/gtest.h>

#include "tests/compressors/support.hpp"

namespace paceline::test {
namespace {

using Reals = std::vector<double>;

double norm_of(const Vector& values) {
  double squares = 0;
  for (const float x : values) squares += double(x) * double(x);
  return std::sqrt(squares);
}

// One matrix [out, in] of all workers: M = e + g; P = mean(MQ) orthonormal; Q = mean(MᵀP); result PQᵀ; e = M - PQᵀ.
struct PlainPowerSgd {
  std::size_t out, in, rank;
  Reals q;               // [in, rank]
  std::vector<Reals> e;  // by worker

  PlainPowerSgd(std::size_t out_, std::size_t in_, std::size_t rank_, std::size_t tensor, std::size_t workers)
      : out(out_), in(in_), rank(rank_), q(in * rank), e(workers, Reals(out * in)) {
    const Stream stream(1, "power_sgd", tensor);
    for (std::size_t j = 0; j < in; ++j)
      for (std::size_t k = 0; k < rank; ++k) q[j * rank + k] = normal_quantile(stream.uniform(k * in + j));
  }

  Reals reduce(const std::vector<Vector>& gradients, std::size_t offset, const Reals& weights) {
    Reals p(out * rank), next(in * rank), result(out * in);
    std::vector<Reals> m = e;
    for (std::size_t w = 0; w < m.size(); ++w)
      for (std::size_t i = 0; i < out * in; ++i) m[w][i] += double(gradients[w][offset + i]);
    for (std::size_t w = 0; w < m.size(); ++w)
      for (std::size_t i = 0; i < out; ++i)
        for (std::size_t j = 0; j < in; ++j)
          for (std::size_t k = 0; k < rank; ++k) p[i * rank + k] += weights[w] * m[w][i * in + j] * q[j * rank + k];
    for (std::size_t k = 0; k < rank; ++k) {
      for (std::size_t l = 0; l < k; ++l) {
        double along = 0;
        for (std::size_t i = 0; i < out; ++i) along += p[i * rank + k] * p[i * rank + l];
        for (std::size_t i = 0; i < out; ++i) p[i * rank + k] -= along * p[i * rank + l];
      }
      double norm = 0;
      for (std::size_t i = 0; i < out; ++i) norm += p[i * rank + k] * p[i * rank + k];
      for (std::size_t i = 0; i < out; ++i) p[i * rank + k] /= std::sqrt(norm);
    }
    for (std::size_t w = 0; w < m.size(); ++w)
      for (std::size_t i = 0; i < out; ++i)
        for (std::size_t j = 0; j < in; ++j)
          for (std::size_t k = 0; k < rank; ++k) next[j * rank + k] += weights[w] * m[w][i * in + j] * p[i * rank + k];
    q = next;
    for (std::size_t i = 0; i < out; ++i)
      for (std::size_t j = 0; j < in; ++j)
        for (std::size_t k = 0; k < rank; ++k) result[i * in + j] += p[i * rank + k] * q[j * rank + k];
    for (std::size_t w = 0; w < m.size(); ++w)
      for (std::size_t i = 0; i < out * in; ++i) e[w][i] = m[w][i] - result[i];
    return result;
  }
};

// Sums of up to 27 products have a relative error of √27·2⁻²⁴ = 3e-7, as the root of their number; orthogonalization
// makes up to ten times as much of it for these matrices, and the errors of eight steps add up at the very
// worst: 2.5e-5 of the matrix's norm.
class PowerSgdOfRank : public ::testing::TestWithParam<int> {};

TEST_P(PowerSgdOfRank, IsTheSecondImplementation) {
  const std::size_t rank = std::size_t(GetParam());
  const Reals weights{0.5, 0.125, 0.375};
  const Target target = some_tensors(3);
  const auto compressor = target.make(fmt::format(R"({{"kind": "power_sgd", "rank": {}}})", rank));
  PlainPowerSgd linear(12, 20, rank, 0, 3), convolution(6, 27, rank, 2, 3);
  for (int step = 0; step < 8; ++step) {
    std::vector<Vector> gradients;
    for (int w = 0; w < 3; ++w) gradients.push_back(some_gradient(target.size, w, step));
    const Vector result = reduced(*compressor, step, gradients, weights);
    const auto compare = [&](PlainPowerSgd& plain, std::size_t offset) {
      const Reals wanted = plain.reduce(gradients, offset, weights);
      const double close = 2.5e-5 * norm_of({&result[offset], &result[offset] + wanted.size()});
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        ASSERT_NEAR(result[offset + i], wanted[i], close) << "step " << step << " entry " << i;
        for (int w = 0; w < 3; ++w)
          ASSERT_NEAR(compressor->residual(w)[offset + i], plain.e[std::size_t(w)][i], close)
              << "step " << step << " worker " << w << " entry " << i;
      }
    };
    compare(linear, 0);
    compare(convolution, 252);
    for (std::size_t i = 0; i < target.size; ++i) {
      if (i < 240 || (i >= 252 && i < 414)) continue;  // the rest is exact
      double mean = 0;
      for (std::size_t w = 0; w < 3; ++w) mean += weights[w] * double(gradients[w][i]);
      EXPECT_NEAR(result[i], mean, 1e-6);
      for (int w = 0; w < 3; ++w) EXPECT_EQ(compressor->residual(w)[i], 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, PowerSgdOfRank, ::testing::Values(1, 2, 4));

TEST(PowerSgd, OfALoneWorkerIsThatOfOneWorker) {
  const Target target = some_tensors(2);
  const char* object = R"({"kind": "power_sgd", "rank": 2})";
  const auto lone = target.make(object), joint = target.make(object);
  for (int step = 0; step < 5; ++step) {
    const Vector gradient = some_gradient(target.size, 0, step);
    encoded(*lone, some_gradient(target.size, 1, step), 1, step);  // has a Q and a residual of its own
    EXPECT_EQ(encoded(*lone, gradient, 0, step), reduced(*joint, step, {gradient}, {1})) << step;
  }
}

// u vᵀ has rank 1: rank 1 sends it whole, and of rank 3 two columns vanish. Twelve sums of floats: 1e-6 of the norm.
TEST(PowerSgd, SendsAMatrixOfLowerRankWhole) {
  const Target target = shaped({{12, 20}});
  const Vector u = some_gradient(12, 0, 0), v = some_gradient(20, 0, 1), other = some_gradient(240, 0, 2);
  Vector gradient(240);
  for (std::size_t i = 0; i < 240; ++i) gradient[i] = u[i / 20] * v[i % 20];
  for (const char* object : {R"({"kind": "power_sgd", "rank": 1})", R"({"kind": "power_sgd", "rank": 3})"}) {
    const auto compressor = target.make(object);
    for (int step = 0; step < 4; ++step) {
      const Vector sent = encoded(*compressor, gradient, 0, step);
      for (std::size_t i = 0; i < 240; ++i) ASSERT_NEAR(sent[i], gradient[i], 1e-6 * norm_of(gradient)) << object;
    }
  }
  // The columns that vanished are there again when there is something for them.
  const auto compressor = target.make(R"({"kind": "power_sgd", "rank": 3})"),
             fresh = target.make(R"({"kind": "power_sgd", "rank": 1})");
  for (int step = 0; step < 4; ++step) encoded(*compressor, gradient, 0, step);
  encoded(*compressor, other), encoded(*fresh, other);
  const auto left = [](const Compressor& of) { return norm_of(Vector(of.residual(0).begin(), of.residual(0).end())); };
  EXPECT_LT(left(*compressor), 0.95 * left(*fresh));
}

// The power iteration finds the largest directions: of a constant matrix with singular values 4, 2, 1, 1/2 rank 2 sends
// (4, 2) in the end. Without feedback between steps the error is the rest of the spectrum.
TEST(PowerSgd, FindsTheLargestDirections) {
  const Target target = shaped({{8, 9}}, 64);
  Vector matrix(72);
  for (std::size_t k = 0; k < 4; ++k) matrix[k * 9 + k] = float(4 >> k) == 0 ? 0.5f : float(4 >> k);
  const auto compressor = target.make(R"({"kind": "power_sgd", "rank": 2})");
  Vector sent;
  for (int step = 0; step < 64; ++step) {
    const auto held = compressor->residual(0);
    Vector gradient = matrix;  // what makes M the matrix again
    for (std::size_t i = 0; i < held.size(); ++i) gradient[i] -= held[i];
    sent = encoded(*compressor, gradient, 0, step);
  }
  for (std::size_t i = 0; i < 72; ++i) EXPECT_NEAR(sent[i], i == 0 ? 4 : i == 10 ? 2 : 0, 1e-5) << i;
}

}  // namespace
}  // namespace paceline::test
