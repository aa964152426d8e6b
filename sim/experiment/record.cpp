#include "sim/experiment/record.hpp"

namespace paceline {

Record::Record(int workers, RecordFiles files, std::function<std::string(int node)> name_of_node, CostRecord* costs,
               Timeline* timeline)
    : files_(std::move(files)),
      name_of_node_(std::move(name_of_node)),
      costs_(costs),
      timeline_(timeline),
      steps_(files_.steps,
             "worker,step,start_s,compute_s,wait_s,exposed_communication_s,queue_s,samples,train_loss,staleness"),
      flows_(files_.flows, "from,to,bytes,sent_s,arrived_s"),
      latest_(std::size_t(workers)),
      imbalance_(workers) {}

void Record::step(const StepRow& row) {
  ++rows_;
  if (timeline_) timeline_->step(row);
  Time& latest = latest_[std::size_t(row.worker)];
  in_order_ = in_order_ && row.start >= latest;
  latest = row.start;
  if (row.applied) imbalance_.add(row);
  const auto spent = [&](Activity activity) { return to_seconds(row.spent[std::size_t(activity)]); };
  steps_.row(row.worker, row.step, to_seconds(row.start), spent(Activity::compute), spent(Activity::wait),
             spent(Activity::communication), spent(Activity::queue), row.samples, row.train_loss, row.staleness);
}

void Record::message(const MessageRow& row) {
  if (timeline_) timeline_->message(row);
  if (row.arrived == Time::max()) return;
  if (!files_.flows.empty())
    flows_.row(std::string_view(name_of_node_(row.from)), std::string_view(name_of_node_(row.to)), row.bytes,
               to_seconds(row.sent), to_seconds(row.arrived));
  if (files_.traffic.empty()) return;
  Sent& sent = traffic_[{row.from, row.to}];
  ++sent.messages;
  sent.bytes += row.bytes;
}

void Record::close() {
  steps_.close();
  flows_.close();
  CsvFile traffic(files_.traffic, "from,to,messages,bytes");
  for (const auto& [ends, sent] : traffic_)
    traffic.row(std::string_view(name_of_node_(ends.first)), std::string_view(name_of_node_(ends.second)),
                sent.messages, sent.bytes);
  traffic.close();
}

}  // namespace paceline
