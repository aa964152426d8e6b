// Products of matrices: every version against the sums in double, within the bound of a float32 sum of k products, and
// the versions of small ones against each other, bit for bit.
#include "models/layers/product.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <cmath>
#include <random>
#include <vector>

#include "models/layers/lanes/lanes.hpp"
#include "models/model.hpp"

namespace paceline::testing {
namespace {

std::vector<float> numbers(int count, unsigned seed) {
  std::mt19937 draws(seed);
  std::vector<float> made(static_cast<std::size_t>(count));
  for (float& value : made) value = float(double(draws()) / 2147483648.0 - 1);  // in [-1, 1)
  return made;
}

std::vector<float> transposed(int rows, int columns, const std::vector<float>& of) {
  std::vector<float> made(of.size());
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c) made[std::size_t(c * rows + r)] = of[std::size_t(r * columns + c)];
  return made;
}

struct Shape {
  int m, n, k;
};

class Product : public ::testing::TestWithParam<Shape> {
 protected:
  const int m = GetParam().m, n = GetParam().n, k = GetParam().k;
  const std::vector<float> a = numbers(m * k, 1), b = numbers(k * n, 2), before = numbers(m * n, 3);

  // Σ_l a b rounds every product and every sum once: |error| ≤ γ Σ_l |a b|, γ = (k + 1)·2⁻²⁴ to first order, in any
  // order of summation (Higham, Accuracy and Stability of Numerical Algorithms, 3.1).
  void expect_the_sums(const std::vector<float>& c, bool added, const char* version) const {
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        double sum = added ? before[std::size_t(i * n + j)] : 0, size = std::fabs(sum);
        for (int l = 0; l < k; ++l) {
          const double term = double(a[std::size_t(i * k + l)]) * b[std::size_t(l * n + j)];
          sum += term;
          size += std::fabs(term);
        }
        ASSERT_LE(std::fabs(c[std::size_t(i * n + j)] - sum), 1.01 * (k + 1) * std::ldexp(size, -24))
            << version << ", entry " << i << ", " << j;
      }
  }
  void expect(const std::vector<float>& c, std::vector<float>& first, bool added, const char* version) const {
    expect_the_sums(c, added, version);
    if (first.empty()) first = c;
    else EXPECT_EQ(c, first) << version;
  }
};

TEST_P(Product, IsTheSumToTheSameBitsOnEveryProcessor) {
  std::vector<float> plain, with_b_transposed, with_a_transposed, added;
  for (const Products* version : products_here()) {
    std::vector<float> c(std::size_t(m * n), NAN);
    version->product(m, n, k, a.data(), b.data(), c.data());
    expect(c, plain, false, version->name);
    c.assign(c.size(), NAN);
    version->product_transposed(m, n, k, a.data(), transposed(k, n, b).data(), c.data());
    expect(c, with_b_transposed, false, version->name);
    c.assign(c.size(), NAN);
    version->transposed_product(m, n, k, transposed(m, k, a).data(), b.data(), false, c.data());
    expect(c, with_a_transposed, false, version->name);
    c = before;
    version->transposed_product(m, n, k, transposed(m, k, a).data(), b.data(), true, c.data());
    expect(c, added, true, version->name);
  }
}

TEST_P(Product, IsTheSumWhoeverComputesIt) {
  single_threaded();
  std::vector<float> c(std::size_t(m * n), NAN);
  product(m, n, k, a.data(), b.data(), c.data());
  expect_the_sums(c, false, "product");
  product_transposed(m, n, k, a.data(), transposed(k, n, b).data(), c.data());
  expect_the_sums(c, false, "product_transposed");
  c = before;
  transposed_product(m, n, k, transposed(m, k, a).data(), b.data(), true, c.data());
  expect_the_sums(c, true, "transposed_product");
}

// Whole tiles, what is left of them on either side, vectors and parts of one, several blocks of b, one of each.
INSTANTIATE_TEST_SUITE_P(Shapes, Product,
                         ::testing::Values(Shape{1, 1, 1}, Shape{4, 4, 16}, Shape{32, 10, 128}, Shape{10, 128, 32},
                                           Shape{5, 7, 15}, Shape{3, 9, 17}, Shape{9, 65, 40}, Shape{2, 80, 3},
                                           Shape{7, 113, 2}, Shape{32, 37, 784}, Shape{37, 784, 32}, Shape{6, 5, 9000},
                                           Shape{1, 33, 100}, Shape{64, 31, 5}, Shape{65, 31, 66}),
                         [](const auto& suite) {
                           return fmt::format("{}x{}x{}", suite.param.m, suite.param.n, suite.param.k);
                         });

}  // namespace
}  // namespace paceline::testing
