// Matrix products, row-major and dense, on the calling thread. float: oneDNN's sgemm (see single_threaded), but where a
// batch is so small that fetching the weights takes as long as the arithmetic, Products of lanes.hpp, which do both at
// once. double: plain loops, each entry summed in the order of k.
#pragma once

namespace paceline {

// c [m,n] = a [m,k] · b [k,n]
void product(int m, int n, int k, const float* a, const float* b, float* c);
void product(int m, int n, int k, const double* a, const double* b, double* c);
// c [m,n] = a [m,k] · bᵀ, b [n,k]
void product_transposed(int m, int n, int k, const float* a, const float* b, float* c);
void product_transposed(int m, int n, int k, const double* a, const double* b, double* c);
// c [m,n] = aᵀ · b, or c + aᵀ · b; a [k,m], b [k,n]
void transposed_product(int m, int n, int k, const float* a, const float* b, bool add, float* c);
void transposed_product(int m, int n, int k, const double* a, const double* b, bool add, double* c);

}  // namespace paceline
