// Model: a function from a flat float32 vector of parameters and rows of data to losses, gradients and hits; and what
// its layers cost, for the clock. It has no state: parameters come from outside, memory is the caller's Workspace.
//
// Flat vector: tensors in order, row-major, weights [out, in] or [out, in, kh, kw].
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/dataset.hpp"
#include "models/workspace.hpp"
#include "sim/core/errors.hpp"
#include "sim/core/registry.hpp"

namespace paceline {

struct Tensor {
  std::string name;
  std::vector<int> shape;
  int fan_in = 1;                     // of its initial values: start ± 1/√fan_in; 0: all are start
  std::size_t offset = 0, count = 0;  // in the flat vector
  double start = 0;
};

struct LayerCost {
  std::string name{};
  std::size_t first_tensor = 0, tensors = 0;  // which tensors are its own
  double flops = 0;                           // forward, per sample; a multiply-add is 2
  double weight_bytes = 0;                    // read once a batch
  double activation_bytes = 0;                // read and written, forward, per sample
  double backward_factor = 1;                 // backward over forward: 2 for matrix layers
};

struct Rows {
  const Dataset& data;
  Part part;
  std::span<const std::uint32_t> rows;
};

class Model {
 public:
  virtual ~Model() = default;
  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const std::vector<Tensor>& tensors() const { return tensors_; }
  std::size_t size() const { return tensors_.empty() ? 0 : tensors_.back().offset + tensors_.back().count; }
  // Sizes of the tensors, or of what is left of them, in [begin, end) of the flat vector.
  std::vector<std::size_t> tensor_sizes(std::size_t begin, std::size_t end) const;
  virtual std::vector<LayerCost> layers() const = 0;  // in forward order

  // g [size] = scale · sum over rows of the gradient of the row's loss at x [size]; losses [rows].
  // Runs on one thread. Its bits follow from x, the rows and their number alone; the processor's kind apart.
  virtual void gradient(const float* x, const Rows& rows, float scale, float* g, double* losses,
                        Workspace& workspace) const = 0;
  // The same code in double arithmetic, for checks.
  virtual void gradient(const double* x, const Rows& rows, double scale, double* g, double* losses,
                        Workspace& workspace) const = 0;
  // losses [rows], hits [rows, labels]: 1 where the predicted class (the first of the greatest logits) is the label.
  virtual void evaluate(const float* x, const Rows& rows, double* losses, std::uint8_t* hits,
                        Workspace& workspace) const = 0;

 protected:
  void add_tensor(std::string name, std::vector<int> shape, int fan_in, double start = 0);

 private:
  std::vector<Tensor> tensors_;
};

// Entry i of the flat vector is uniform in start ± 1/√fan_in from the counter seed·2³² + i:
// u = (splitmix64(seed·2³² + i) >> 11)·2⁻⁵³, v = start + (2u − 1)/√fan_in in double, rounded to float32.
std::vector<float> initial_parameters(const Model& model, std::uint64_t seed);

// Thrown for data that a model cannot be trained on: what it needs.
struct Misfit : ConfigError {
  explicit Misfit(const std::string& needs) : ConfigError({}, "/workload/model", needs), rule(needs) {}
  std::string rule;
};

struct ModelMaker {
  std::function<std::unique_ptr<const Model>(const DataShape&)> make;  // throws Misfit
  std::optional<std::uint64_t> seed;  // of the initial parameters; by default the scenario's
};

namespace models {
const Registry<ModelMaker>& all();
}

// Keeps OpenMP, and so oneDNN, of the calling thread to one thread: a matrix product's bits depend on their number,
// and teams of several computing threads fight for the processor. gradient and evaluate call it by themselves.
void single_threaded();

}  // namespace paceline
