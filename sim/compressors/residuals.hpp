// Residuals: vectors that workers keep from gradient to gradient, zero at first; memory is taken at the first use.
#pragma once
#include <span>
#include <vector>

#include "sim/compressors/compressor.hpp"
#include "sim/core/ledger.hpp"

namespace paceline {

class Residuals {
 public:
  explicit Residuals(const CompressorMaker::For& what) : size_(what.size), own_(std::size_t(what.workers)) {}

  std::span<float> operator[](int worker) {
    Values& own = own_[std::size_t(worker)];
    own.resize(size_);
    return own;
  }
  std::span<const float> peek(int worker) const { return own_[std::size_t(worker)]; }

 private:
  std::size_t size_;
  std::vector<Values> own_;
};

}  // namespace paceline
