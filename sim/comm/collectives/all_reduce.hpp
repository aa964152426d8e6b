// AllReduce: one all-reduce of some bytes among ranks, from the first to join to the last to leave. Every message is a
// transfer; given payloads, the sums are really made, along the same messages.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "sim/cluster/network.hpp"
#include "sim/core/registry.hpp"

namespace paceline {

// Payload bytes that crossed a rank's NIC.
struct Traffic {
  double sent = 0, received = 0;
};

// The ranks: rank r is nodes[r].
struct Group {
  Engine& engine;
  Network& network;
  std::span<const int> nodes;
  std::span<Traffic> traffic;  // by rank

  int size() const { return int(nodes.size()); }
};

class AllReduce {
 public:
  AllReduce(const Group& group, double bytes) : group_(group), bytes_(bytes) {}
  virtual ~AllReduce() = default;
  AllReduce(const AllReduce&) = delete;

  // What rank r does. Ends when r has the whole result.
  virtual Task<> member(int rank) = 0;
  // The least time from the first to join to the last to leave, in seconds.
  virtual double lower_bound() const = 0;

  // The values to be summed, of equal lengths, one for each rank; the sums take their place.
  void attach(int rank, std::span<float> values) {
    payloads_.resize(std::size_t(group_.size()));
    payloads_[std::size_t(rank)] = values;
  }

 protected:
  bool has_payload() const { return !payloads_.empty(); }

  const Group group_;
  const double bytes_;
  std::vector<std::span<float>> payloads_;
};

using AllReduceMaker = std::function<std::unique_ptr<AllReduce>(const Group&, double bytes)>;

namespace collectives {
const Registry<AllReduceMaker>& all();
}

}  // namespace paceline
