#include "sim/experiment/sweep/outcome.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::string_view names[] = {"waiting", "running", "done", "failed"};

Json number(std::optional<double> value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return *value;
}

// {"staleness": {"mean": 1}} is staleness_mean; lists are left out.
void flatten(const Json& object, const std::string& prefix, Json& flat) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object()) flatten(value, prefix + key + "_", flat);
    else if (!value.is_array()) flat[prefix + key] = value;
  }
}

Json summary_of(const Results& r) {
  Json flat{{"reason", r.reason}};
  flatten(summary_json(r), "", flat);
  flat["workers"] = r.workers.size();
  flat["fingerprint"] = fmt::format("{:016x}", r.fingerprint);
  flat["failed_check"] = nullptr;
  for (const Check& check : r.checks) {
    if (check.holds) continue;
    flat["failed_check"] = check.name;
    break;
  }
  return flat;
}

}  // namespace

std::string_view name_of(RunState state) { return names[std::size_t(state)]; }
RunState run_state(std::string_view name) {
  for (std::size_t i = 0; i < std::size(names); ++i)
    if (names[i] == name) return RunState(i);
  throw std::invalid_argument(fmt::format("no state of a run: {}", name));
}

std::vector<std::string> summary_columns() {
  std::vector<std::string> columns;
  const Json none = summary_of({});
  for (const auto& [name, value] : none.items()) columns.push_back(name);
  return columns;
}
const std::vector<std::string>& curve_columns() {
  static const std::vector<std::string> columns{"time_s",     "step",      "epoch",         "samples",
                                                "train_loss", "test_loss", "test_accuracy", "bytes_on_wire"};
  return columns;
}
const std::vector<std::string>& workers_columns() {
  static const std::vector<std::string> columns{
      "worker", "device",  "steps",  "samples",    "compute_s",     "exposed_communication_s",
      "wait_s", "queue_s", "down_s", "bytes_sent", "bytes_received"};
  return columns;
}

Outcome outcome_of(const std::string& hash, const Results& r) {
  Outcome made;
  made.hash = hash;
  made.state = RunState::done;
  if (r.reason == "interrupted") {
    made.state = RunState::waiting;
    return made;
  }
  if (r.reason == "deadlock" || r.reason == "limit") made.error = fmt::format("{}: {}", r.reason, r.detail);
  for (const Check& check : r.checks)
    if (!check.holds && made.error.empty())
      made.error = fmt::format("self-check failed: {}: {}", check.name, check.detail);
  if (!made.error.empty()) made.state = RunState::failed;
  made.summary = summary_of(r);
  for (const CurvePoint& p : r.curve)
    made.curve.push_back({number(to_seconds(p.time)), number(p.step), number(p.epoch), p.samples, number(p.train_loss),
                          number(p.test_loss), number(p.test_accuracy), number(p.bytes_on_wire)});
  for (const WorkerResult& w : r.workers) {
    Json row{w.worker, w.device, w.steps, w.samples};
    for (const double seconds : w.seconds) row.push_back(number(seconds));
    row.push_back(number(w.bytes_sent));
    row.push_back(number(w.bytes_received));
    made.workers.push_back(std::move(row));
  }
  return made;
}

Json to_json(const Outcome& o) {
  const Timing& t = o.timing;
  return {{"hash", o.hash},
          {"state", name_of(o.state)},
          {"error", o.error},
          {"summary", o.summary},
          {"curve", o.curve},
          {"workers", o.workers},
          {"timing",
           {{"started", t.started},
            {"finished", t.finished},
            {"host", t.host},
            {"wall_s", t.wall_s},
            {"cpu_s", t.cpu_s},
            {"peak_memory_bytes", t.peak_memory_bytes},
            {"threads", t.threads}}}};
}

Outcome outcome_from(const Json& json) {
  const Json& t = json.at("timing");
  return {json.at("hash"),
          run_state(json.at("state").get<std::string>()),
          json.at("error"),
          json.at("summary"),
          json.at("curve"),
          json.at("workers"),
          {t.at("started"), t.at("finished"), t.at("host"), t.at("wall_s"), t.at("cpu_s"), t.at("peak_memory_bytes"),
           t.at("threads")}};
}

}  // namespace paceline
