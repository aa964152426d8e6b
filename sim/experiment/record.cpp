#include "sim/experiment/record.hpp"

namespace paceline {

Record::Record(int workers, std::string steps_file)
    : steps_(std::move(steps_file),
             "worker,step,start_s,compute_s,wait_s,exposed_communication_s,queue_s,samples,train_loss,staleness"),
      latest_(std::size_t(workers)) {}

void Record::step(const StepRow& row) {
  ++rows_;
  Time& latest = latest_[std::size_t(row.worker)];
  in_order_ = in_order_ && row.start >= latest;
  latest = row.start;
  const auto spent = [&](Activity activity) { return to_seconds(row.spent[std::size_t(activity)]); };
  steps_.row(row.worker, row.step, to_seconds(row.start), spent(Activity::compute), spent(Activity::wait),
             spent(Activity::communication), spent(Activity::queue), row.samples, row.train_loss, row.staleness);
}

}  // namespace paceline
