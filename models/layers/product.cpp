#include "models/layers/product.hpp"

#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <cstddef>
#include <stdexcept>

#include "models/layers/lanes/lanes.hpp"

namespace paceline {
namespace {

constexpr int few_rows = 64;  // of a batch: beyond, oneDNN is as fast

const Products& few() {
  static const Products& best = *products_here()[0];
  return best;
}

void sgemm(char a_op, char b_op, int m, int n, int k, const float* a, int a_width, const float* b, int b_width,
           float beta, float* c) {
  if (dnnl_sgemm(a_op, b_op, m, n, k, 1.0f, a, a_width, b, b_width, beta, c, n) != dnnl_success)
    throw std::runtime_error("oneDNN refused a matrix product");
}

// row [n] += factor · b [n]
void add_row(double factor, const double* b, int n, double* row) {
  for (int j = 0; j < n; ++j) row[j] += factor * b[j];
}

}  // namespace

void product(int m, int n, int k, const float* a, const float* b, float* c) {
  if (m <= few_rows) return few().product(m, n, k, a, b, c);
  sgemm('N', 'N', m, n, k, a, k, b, n, 0, c);
}

void product_transposed(int m, int n, int k, const float* a, const float* b, float* c) {
  if (m <= few_rows) return few().product_transposed(m, n, k, a, b, c);
  sgemm('N', 'T', m, n, k, a, k, b, k, 0, c);
}

void transposed_product(int m, int n, int k, const float* a, const float* b, bool add, float* c) {
  if (k <= few_rows) return few().transposed_product(m, n, k, a, b, add, c);
  sgemm('T', 'N', m, n, k, a, m, b, n, add ? 1.0f : 0.0f, c);
}

void product(int m, int n, int k, const double* a, const double* b, double* c) {
  for (std::ptrdiff_t i = 0; i < m; ++i) {
    std::fill_n(c + i * n, n, 0.0);
    for (std::ptrdiff_t l = 0; l < k; ++l) add_row(a[i * k + l], b + l * n, n, c + i * n);
  }
}

void product_transposed(int m, int n, int k, const double* a, const double* b, double* c) {
  for (std::ptrdiff_t i = 0; i < m; ++i) {
    for (std::ptrdiff_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::ptrdiff_t l = 0; l < k; ++l) sum += a[i * k + l] * b[j * k + l];
      c[i * n + j] = sum;
    }
  }
}

void transposed_product(int m, int n, int k, const double* a, const double* b, bool add, double* c) {
  if (!add) std::fill_n(c, std::ptrdiff_t(m) * n, 0.0);
  for (std::ptrdiff_t l = 0; l < k; ++l)
    for (std::ptrdiff_t i = 0; i < m; ++i) add_row(a[l * m + i], b + l * n, n, c + i * n);
}

}  // namespace paceline
