// Lanes: the loops of convolutional nets with several images side by side, one in each lane of a vector: 16 or 8
// floats, or one double for checks. A plane is [channels][rows][columns][lanes]; so every operation is one on whole
// vectors, whatever the sizes of kernels and images.
//
// Every number is one chain of fused multiply-adds in an order that follows from the shapes alone: tiles, AVX2 or
// AVX-512 and plain code give the same bits (plain code, without FMA instructions, is slow).
#pragma once
#include <cstddef>
#include <vector>

namespace paceline {

struct Plane {  // channels of height × width
  int channels = 1, height = 1, width = 1;
  int size() const { return channels * height * width; }
};

// A kernel per channel of `out`, over `in` with all its margins: left and right they are stored, `margin` rows of zeros
// above, and as many as are needed below, are not.
struct Stencil {
  Plane in, out;
  int kernel = 1, stride = 1, margin = 0;
  int weights() const { return out.channels * in.channels * kernel * kernel; }  // [out, in, kernel, kernel]
};

// Pointers to planes and to sums are to [..., lanes]; parameters and rows are plain.
template <class Real>
struct Lanes {
  const char* name;
  int count;  // lanes

  // x [size] of up to `count` rows [size]; lanes without one are 0. And back.
  void (*gather)(const Real* rows, int n, int size, Real* x);
  void (*scatter)(const Real* x, int n, int size, Real* rows);
  // g [size] += the sum over lanes, as a binary tree.
  void (*add_lanes)(const Real* sums, int size, Real* g);

  // y = bias + w ⋆ x; without a bias from 0.
  void (*convolve)(const Stencil&, const Real* x, const Real* w, const Real* bias, Real* y);
  // dw [weights] += what dy says of w; db [out] += sums of dy.
  void (*convolve_weights)(const Stencil&, const Real* x, const Real* dy, Real* dw, Real* db);
  // y = 0, but x at row step·r, column left + step·c.
  void (*spread)(const Plane& in, const Plane& out, int left, int step, const Real* x, Real* y);

  void (*relu)(int size, Real* y);
  void (*relu_backward)(int size, const Real* y, Real* dy);  // dy = 0 where y was
  // y = the maximum of each square of x; what is left over at the edges goes nowhere.
  void (*max_pool)(const Plane& in, int square, const Real* x, Real* y);
  void (*max_pool_backward)(const Plane& in, int square, const Real* x, const Real* dy,
                            Real* dx);  // to the first of equals

  // y [out] = b + w [out, in] · x [in]; dx [in] = wᵀ · dy.
  void (*linear)(int in, int out, const Real* x, const Real* w, const Real* b, Real* y);
  void (*linear_inputs)(int in, int out, const Real* dy, const Real* w, Real* dx);
  // dw [out, in] += dyᵀ · x over the rows x [n, in], dy [n, out], one after the other; db [out] too.
  void (*linear_weights)(int n, int in, int out, const Real* x, const Real* dy, Real* dw, Real* db);
};

// The best for this processor, for up to this many images. double: one at a time.
template <class Real>
const Lanes<Real>& lanes_for(std::size_t images);
template <>
const Lanes<float>& lanes_for(std::size_t images);
template <>
const Lanes<double>& lanes_for(std::size_t images);
// All versions of so many lanes that this processor has, the best first.
std::vector<const Lanes<float>*> lanes_here(int count);

// Products of matrices with few rows, where 16 lanes are neighbours in a row; as in product.hpp, and the same bits
// everywhere, too.
struct Products {
  const char* name;
  void (*product)(int m, int n, int k, const float* a, const float* b, float* c);
  void (*product_transposed)(int m, int n, int k, const float* a, const float* b, float* c);
  void (*transposed_product)(int m, int n, int k, const float* a, const float* b, bool add, float* c);
};
std::vector<const Products*> products_here();  // the best for this processor first

}  // namespace paceline
