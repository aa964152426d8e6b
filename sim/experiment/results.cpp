#include "sim/experiment/results.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>
#include <thread>

#include "sim/experiment/csv.hpp"
#include "sim/experiment/json_row.hpp"

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t most_listed = 128;  // workers whose waits are in results.json too; there may be N² of them

Json number(std::optional<double> value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  if (*value == std::floor(*value) && std::abs(*value) < 0x1p53) return std::int64_t(*value);
  return *value;
}

void write(JsonRow&& row, const CurvePoint& p) {
  row.add("time_s", to_seconds(p.time))
      .add("step", p.step)
      .add("epoch", p.epoch)
      .add("samples", p.samples)
      .add("train_loss", p.train_loss)
      .add("test_loss", p.test_loss)
      .add("test_accuracy", p.test_accuracy)
      .add("bytes_on_wire", p.bytes_on_wire);
}

void write(JsonRow&& row, const WorkerResult& w) {
  row.add("worker", w.worker)
      .add("device", w.device)
      .add("steps", w.steps)
      .add("samples", w.samples)
      .add("compute_s", w.seconds[std::size_t(Activity::compute)])
      .add("exposed_communication_s", w.seconds[std::size_t(Activity::communication)])
      .add("wait_s", w.seconds[std::size_t(Activity::wait)])
      .add("queue_s", w.seconds[std::size_t(Activity::queue)])
      .add("down_s", w.seconds[std::size_t(Activity::down)])
      .add("blamed_s", w.blamed_s)
      .add("bytes_sent", w.bytes_sent)
      .add("bytes_received", w.bytes_received)
      .add("partition_rows", w.partition_rows)
      .add("label_counts", w.label_counts);
}

void write(JsonRow&& row, const WaitResult& w) {
  row.add("worker", w.worker).add("for", w.on).add("wait_s", w.seconds);
}

Json path(const CriticalPath& path) {
  Json workers = Json::array();
  for (const CriticalPath::Share& each : path.workers)
    workers.push_back({{"worker", each.worker}, {"compute_s", number(each.compute_s)}, {"steps", each.steps}});
  return {{"compute_s", number(path.seconds[std::size_t(Activity::compute)])},
          {"communication_s", number(path.seconds[std::size_t(Activity::communication)])},
          {"queue_s", number(path.seconds[std::size_t(Activity::queue)])},
          {"wait_s", number(path.seconds[std::size_t(Activity::wait)])},
          {"down_s", number(path.seconds[std::size_t(Activity::down)])},
          {"workers", workers}};
}

Json imbalance(const Imbalance& all) {
  const StepImbalance& step = all.per_step;
  return {{"max_over_mean", number(all.max_over_mean)},
          {"coefficient_of_variation", number(all.coefficient_of_variation)},
          {"wait_share", number(all.wait_share)},
          {"per_step",
           {{"steps", step.steps},
            {"mean", number(step.mean)},
            {"p50", number(step.p50)},
            {"p95", number(step.p95)},
            {"max", number(step.largest)},
            {"mean_coefficient_of_variation", number(step.coefficient_of_variation)},
            {"mean_wait_share", number(step.wait_share)},
            {"max_wait_share", number(step.largest_wait_share)}}}};
}

void write(JsonRow&& row, const LinkResult& l) {
  row.add("link", l.name)
      .add("bytes", l.bytes)
      .add("utilization", l.utilization)
      .add("peak_utilization", l.peak_utilization)
      .add("busy_s", l.busy_s)
      .add("mean_flows", l.mean_flows);
}

// An array of a document, a row to a line.
template <class Row>
void write_array(std::string& text, std::string_view key, const std::vector<Row>& rows) {
  text += fmt::format(",\n  \"{}\": [", key);
  for (const Row& each : rows) {
    text += &each == rows.data() ? "\n    " : ",\n    ";
    write(JsonRow(text), each);
  }
  text += rows.empty() ? "]" : "\n  ]";
}

}  // namespace

std::string time_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

bool Results::all_hold() const {
  return std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.holds; });
}

Json summary_json(const Results& r) {
  const CurvePoint last = r.curve.empty() ? CurvePoint{} : r.curve.back();
  const StalenessSummary& s = r.staleness;
  return {{"simulated_time_s", number(r.simulated_time_s)},
          {"steps", number(r.steps)},
          {"updates", r.updates},
          {"samples", r.samples},
          {"epochs", number(r.epochs)},
          {"throughput_samples_per_s", number(r.simulated_time_s > 0 ? double(r.samples) / r.simulated_time_s : 0)},
          {"final_train_loss", number(last.train_loss)},
          {"final_test_loss", number(last.test_loss)},
          {"final_test_accuracy", number(last.test_accuracy)},
          {"best_test_accuracy", number(r.best_test_accuracy)},
          {"time_to_accuracy_s", number(r.time_to_accuracy_s)},
          {"compute_fraction", number(r.fractions[std::size_t(Activity::compute)])},
          {"exposed_communication_fraction", number(r.fractions[std::size_t(Activity::communication)])},
          {"wait_fraction", number(r.fractions[std::size_t(Activity::wait)])},
          {"queue_fraction", number(r.fractions[std::size_t(Activity::queue)])},
          {"down_fraction", number(r.fractions[std::size_t(Activity::down)])},
          {"overlapped_communication_fraction", number(r.overlapped_fraction)},
          {"load_imbalance", number(r.load_imbalance)},
          {"bytes_on_wire", number(r.bytes_on_wire)},
          {"background_bytes", number(r.background_bytes)},
          {"rerouted_transfers", r.rerouted},
          {"held_transfers", r.held},
          {"failures",
           {{"devices", r.failures.failures},
            {"rollbacks", r.failures.rollbacks},
            {"checkpoints", r.failures.checkpoints},
            {"checkpoint_interval_s", number(r.failures.interval)},
            {"lost_batches", r.failures.lost_batches},
            {"lost_samples", r.failures.lost_samples},
            {"lost_s", number(to_seconds(r.failures.lost))},
            {"checkpoint_s", number(to_seconds(r.failures.checkpointing))}}},
          {"goodput", number(r.goodput)},
          {"staleness",
           {{"mean", number(s.mean)}, {"p50", s.p50}, {"p95", s.p95}, {"max", s.max}, {"histogram", s.histogram}}},
          {"dropped_gradients", r.dropped},
          {"cancelled_gradients", r.cancelled}};
}

std::string to_json(const Results& r) {
  Json collectives = Json::array(), checks = Json::array();
  for (const CollectiveResult& c : r.collectives)
    collectives.push_back({{"operation", c.operation},
                           {"algorithm", c.algorithm},
                           {"fidelity", c.fidelity},
                           {"calls", c.calls},
                           {"bytes", number(c.bytes)}});
  for (const Check& c : r.checks) checks.push_back({{"name", c.name}, {"holds", c.holds}, {"detail", c.detail}});
  const Performance& p = r.performance;
  utsname host{};
  uname(&host);
  const Json json{{"schema_version", 1},
                  {"paceline_version", PACELINE_VERSION},
                  {"name", r.name},
                  {"scenario_hash", r.hash},
                  {"seed", r.seed},
                  {"fingerprint", fmt::format("{:016x}", r.fingerprint)},
                  {"outcome", {{"reason", r.reason}, {"detail", r.detail}}},
                  {"summary", summary_json(r)},
                  {"critical_path", path(r.critical_path)},
                  {"imbalance", imbalance(r.imbalance)},
                  {"collectives", collectives},
                  {"checks", checks},
                  {"performance",
                   {{"wall_s", p.wall_s},
                    {"cpu_s", p.cpu_s},
                    {"events", p.events},
                    {"events_per_s", p.wall_s > 0 ? std::round(double(p.events) / p.wall_s) : 0},
                    {"transfers", p.transfers},
                    {"gradients", p.gradients},
                    {"peak_memory_bytes", number(p.peak_memory_bytes)}}},
                  {"host",
                   {{"date", time_now()},
                    {"name", std::string(host.nodename)},
                    {"system", fmt::format("{} {}", host.sysname, host.release)},
                    {"processors", std::thread::hardware_concurrency()},
                    {"threads", p.threads}}}};
  std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace);
  text.resize(text.rfind('\n'));  // its last brace comes after the long arrays
  write_array(text, "curve", r.curve);
  write_array(text, "workers", r.workers);
  write_array(text, "waits", r.workers.size() <= most_listed ? r.waits : std::vector<WaitResult>{});
  write_array(text, "links", r.links);
  text += "\n}\n";
  return text;
}

void write_results(const Results& r, const std::string& folder) {
  CsvFile curve(folder + "/curve.csv", "time_s,step,epoch,samples,train_loss,test_loss,test_accuracy,bytes_on_wire");
  for (const CurvePoint& p : r.curve)
    curve.row(to_seconds(p.time), p.step, p.epoch, p.samples, p.train_loss, p.test_loss, p.test_accuracy,
              p.bytes_on_wire);
  curve.close();
  CsvFile workers(folder + "/workers.csv",
                  "worker,device,steps,samples,compute_s,exposed_communication_s,wait_s,queue_s,down_s,blamed_s,bytes_"
                  "sent,bytes_received");
  for (const WorkerResult& w : r.workers)
    workers.row(w.worker, std::string_view(w.device), w.steps, w.samples, w.seconds[0], w.seconds[1], w.seconds[2],
                w.seconds[3], w.seconds[4], w.blamed_s, w.bytes_sent, w.bytes_received);
  workers.close();
  CsvFile waits(folder + "/waits.csv", "worker,for,wait_s");
  for (const WaitResult& w : r.waits) waits.row(w.worker, w.on, w.seconds);
  waits.close();
  CsvFile links(folder + "/links.csv", "link,bytes,utilization,peak_utilization,busy_s,mean_flows");
  for (const LinkResult& l : r.links)
    links.row(std::string_view(l.name), l.bytes, l.utilization, l.peak_utilization, l.busy_s, l.mean_flows);
  links.close();
  write_file(folder + "/results.json", to_json(r));
}

}  // namespace paceline
