#include "models/model.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/core/random.hpp"

namespace paceline {

void Model::add_tensor(std::string name, std::vector<int> shape, int fan_in, double start) {
  std::size_t count = 1;
  for (int side : shape) count *= std::size_t(side);
  tensors_.push_back({std::move(name), std::move(shape), fan_in, size(), count, start});
}

std::vector<std::size_t> Model::tensor_sizes(std::size_t begin, std::size_t end) const {
  std::vector<std::size_t> sizes;
  for (const Tensor& tensor : tensors_) {
    const std::size_t from = std::max(begin, tensor.offset), until = std::min(end, tensor.offset + tensor.count);
    if (from < until) sizes.push_back(until - from);
  }
  return sizes;
}

std::vector<float> initial_parameters(const Model& model, std::uint64_t seed) {
  std::vector<float> flat;
  flat.reserve(model.size());
  for (const Tensor& tensor : model.tensors()) {
    const double root = tensor.fan_in > 0 ? std::sqrt(double(tensor.fan_in)) : INFINITY;
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.count; ++i) {
      const double u = double(splitmix64((seed << 32) + i) >> 11) * 0x1p-53;
      flat.push_back(float(tensor.start + (2 * u - 1) / root));
    }
  }
  return flat;
}

void single_threaded() { omp_set_num_threads(1); }

}  // namespace paceline
