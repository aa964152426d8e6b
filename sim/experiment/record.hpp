// Record: what is written down while a run goes. Step rows go straight to their file; of the rest there are sums, so
// that memory does not grow with the length of a run.
#pragma once
#include <string>
#include <vector>

#include "sim/core/record.hpp"
#include "sim/experiment/csv.hpp"

namespace paceline {

class Record final : public Sink {
 public:
  // `steps_file`: steps.csv, or "" for none.
  Record(int workers, std::string steps_file);

  void step(const StepRow& row) override;
  void curve(const CurvePoint& point) override { points_.push_back(point); }
  void close() { steps_.close(); }

  const std::vector<CurvePoint>& points() const { return points_; }
  std::uint64_t rows() const { return rows_; }
  bool in_order() const { return in_order_; }  // no worker's batch began before its previous one

 private:
  CsvFile steps_;
  std::vector<CurvePoint> points_;
  std::vector<Time> latest_;  // start, by worker
  std::uint64_t rows_ = 0;
  bool in_order_ = true;
};

}  // namespace paceline
