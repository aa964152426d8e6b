// Compressor: what a worker's gradient becomes on the wire, on its values and in bytes. With error feedback what was
// not sent stays with the worker: e ← e + g − sent.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/model.hpp"
#include "sim/core/registry.hpp"

namespace paceline {

// How a payload travels.
enum class Carriage {
  summed,   // can be summed in flight: all-reduce
  gathered  // must be gathered: all-gather, whose bytes grow with the number of workers
};

// One call at a time: kinds keep scratch. `sent` and `result` overlap nothing else.
class Compressor {
 public:
  virtual ~Compressor() = default;

  // Payload bytes of one worker's gradient at its given step, a message or collective each; the sum is what a server is
  // sent.
  virtual std::vector<double> bytes(std::int64_t step) const = 0;

  // What others get of a worker's gradient, decoded, both [size]; keeps the residual. Once for every gradient that is
  // sent, in the order of the worker's steps.
  virtual void encode(int worker, std::int64_t step, std::span<const float> gradient, std::span<float> sent) = 0;
  // What several decoded ones amount to, [size]; the weights sum to 1. Σ weight · sent, unless a kind says otherwise.
  virtual void combine(std::span<const float* const> sent, std::span<const double> weights,
                       std::span<float> result) const;
  // An all-reduce among all workers: gradients by worker, one step. Encodes each and combines them, unless a kind needs
  // all of them for that.
  virtual void reduce(std::int64_t step, std::span<const float* const> gradients, std::span<const double> weights,
                      std::span<float> result);
  // What a worker holds back for later, [size]; empty before its first gradient, and of a kind that holds nothing back.
  virtual std::span<const float> residual(int worker) const;
  virtual std::unique_ptr<Compressor> clone() const = 0;  // with all residuals

 private:
  std::vector<std::vector<float>> sent_;  // by worker, of reduce
};

struct CompressorMaker {
  // What it is made for. Bytes are those of `entries` (bytes of the cost's gradient / 4), values those of the tensors,
  // which together have `size` entries; a clock without numerics asks for bytes alone.
  struct For {
    std::span<const Tensor> tensors;
    std::size_t size = 0;
    double entries = 0;
    int workers = 1;
    std::uint64_t seed = 0;
  };
  std::string name;
  Carriage carriage = Carriage::summed;
  bool piecewise = true;        // bucket by bucket, bytes in proportion; else after the whole backward
  bool keeps_residual = false;  // what is sent later depends on all that was sent before
  double time = 0;              // seconds that encoding and decoding a gradient take on the worker's device
  std::function<std::unique_ptr<Compressor>(const For&)> make;  // empty: nothing is compressed
};

namespace compressors {
const Registry<CompressorMaker>& all();
}

}  // namespace paceline
