// Record: what is written down while a run goes. Step rows go straight to their file; of the rest there are sums, so
// that memory does not grow with the length of a run.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sim/core/record.hpp"
#include "sim/experiment/cost_record.hpp"
#include "sim/experiment/csv.hpp"
#include "sim/experiment/imbalance.hpp"

namespace paceline {

// Which files are written while a run goes; "" for none.
struct RecordFiles {
  std::string steps{};    // a row per batch
  std::string flows{};    // a row per message, with its completion time
  std::string traffic{};  // who sent how much to whom
  std::string cost{};     // what was drawn for every step, as the cost "replay" reads it
  std::string trace{};    // a file or a folder, see trace/
};

class Record final : public Sink {
 public:
  // `costs`, if given, is told what is drawn for every step; `timeline` of everything.
  Record(int workers, RecordFiles files, std::function<std::string(int node)> name_of_node, CostRecord* costs = nullptr,
         Timeline* timeline = nullptr);

  void step(const StepRow& row) override;
  void curve(const CurvePoint& point) override {
    points_.push_back(point);
    if (timeline_) timeline_->curve(point);
  }
  bool wants_costs() const override { return costs_ != nullptr; }
  void cost(const CostRow& row) override { costs_->add(row); }
  bool wants_messages() const override {
    return !files_.flows.empty() || !files_.traffic.empty() || (timeline_ && timeline_->wants_messages());
  }
  Timeline* timeline() const override { return timeline_; }
  void message(const MessageRow& row) override;
  void close();

  const std::vector<CurvePoint>& points() const { return points_; }
  StepImbalance imbalance() const { return imbalance_.summary(); }
  std::uint64_t rows() const { return rows_; }
  bool in_order() const { return in_order_; }  // no worker's batch began before its previous one

 private:
  struct Sent {
    std::int64_t messages = 0;
    double bytes = 0;
  };
  RecordFiles files_;
  std::function<std::string(int)> name_of_node_;
  CostRecord* costs_;
  Timeline* timeline_;
  CsvFile steps_, flows_;
  std::map<std::pair<int, int>, Sent> traffic_;  // by nodes
  std::vector<CurvePoint> points_;
  std::vector<Time> latest_;  // start, by worker
  ImbalanceRecord imbalance_;
  std::uint64_t rows_ = 0;
  bool in_order_ = true;
};

}  // namespace paceline
