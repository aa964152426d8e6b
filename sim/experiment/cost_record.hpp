// CostRecord: what was drawn for every step of every worker, and what else a cost is: written as a file which the cost
// "replay" reads. With that cost, without jitter and without what strikes single steps, the run is the same again.
#pragma once
#include <string>
#include <vector>

#include "sim/cluster/cost.hpp"
#include "sim/core/record.hpp"

namespace paceline {

class CostRecord {
 public:
  CostRecord(const Cost& cost, std::vector<int> batch_sizes)
      : cost_(cost), batch_sizes_(std::move(batch_sizes)), drawn_(batch_sizes_.size()) {}
  void add(const CostRow& row);
  // Of workers that began fewer steps than others the rest is null.
  std::string to_json() const;

 private:
  const Cost& cost_;
  std::vector<int> batch_sizes_;             // by worker
  std::vector<std::vector<CostRow>> drawn_;  // by worker, in order of steps
};

}  // namespace paceline
