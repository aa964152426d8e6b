#include "sim/experiment/trace/trace.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/core/units.hpp"
#include "sim/experiment/trace/hta.hpp"

namespace paceline {
namespace {

constexpr int run = 0;                        // the process of the run as a whole
constexpr std::int64_t first_link = 1 << 30;  // readers keep lanes in 31 bits
const char* const lane_names[] = {"steps", "compute", "communication", "blocked", "messages"};

std::string name_of(const SpanRow& row) {
  if (row.on != nobody)
    return fmt::format("{} worker {}", row.at_server ? row.what : fmt::format("{} for", row.what), row.on);
  return row.number < 0 ? row.what : fmt::format("{} {}", row.what, row.number);
}

}  // namespace

Trace::Trace(const TraceSpec& spec, const Cluster& cluster, const std::string& path)
    : spec_(spec),
      cluster_(cluster),
      writer_(spec.format == TraceSpec::Format::perfetto ? perfetto_trace(path) : chrome_trace(path)),
      current_step_(std::size_t(cluster.workers()), -1) {
  if (int(spec.workers.size()) < cluster.workers() && !spec.workers.empty()) {
    workers_.resize(std::size_t(cluster.workers()));
    for (const int w : spec.workers) workers_[std::size_t(w)] = true;
  }
  describe();
}

// Names processes; vertices that hold no worker and no server are processes of their own once they have a busy link.
void Trace::describe() {
  const Topology& topology = cluster_.topology();
  const int servers = cluster_.spec().servers.count;
  process_of_vertex_.assign(std::size_t(topology.vertices()), -1);
  writer_->process(run, "run");
  for (int w = 0; w < cluster_.workers(); ++w) {
    int& process = process_of_vertex_[std::size_t(cluster_.worker_node(w))];
    if (process < 0) process = w + 1;
    if (shows(w)) writer_->process(w + 1, fmt::format("worker {}", w));
  }
  for (int s = 0; s < servers; ++s) {
    int& process = process_of_vertex_[std::size_t(cluster_.server_node(s))];
    if (process < 0) process = server_process(s);
    writer_->process(server_process(s), fmt::format("server {}", s));
  }
}

bool Trace::is_full(Time now) {
  if (spec_.is_bounded() || events_ < spec_.most_events) return false;
  full_at_ = std::min(full_at_, now);
  return true;
}

Track Trace::named(int process, std::int64_t thread, std::string_view name) {
  const Track on{process, thread};
  if (const auto [found, fresh] = last_end_.try_emplace(thread, Time{}); fresh) writer_->thread(on, name);
  return on;
}

void Trace::begins(int worker, std::int64_t step, Time) {
  std::int64_t& current = current_step_[std::size_t(worker)];
  in_window_ += int(in_window(worker, step)) - int(current >= 0 && in_window(worker, current));
  current = step;
}

// A lane is named when something is first on it. What overlaps with the last on a lane goes to the next one beside it.
Track Trace::track(int process, Lane lane, Time from, Time until) {
  for (std::int64_t beside = 0;; ++beside) {
    const std::int64_t thread = process * width + lane + std::min(beside, width / lanes - 1) * lanes;
    const auto [found, fresh] = last_end_.try_emplace(thread, Time{});
    if (!fresh && found->second > from && beside < width / lanes - 1) continue;
    found->second = std::max(found->second, until);
    const Track track{process, thread};
    if (fresh)
      writer_->thread(track, beside == 0 ? lane_names[lane] : fmt::format("{} {}", lane_names[lane], beside + 1));
    return track;
  }
}

void Trace::span(const SpanRow& row) {
  const TraceSpec::Shown& shown = spec_.shown;
  const bool wanted = row.lane == SpanRow::Lane::step            ? shown.steps
                      : row.lane == SpanRow::Lane::compute       ? shown.compute
                      : row.lane == SpanRow::Lane::communication ? shown.communication
                                                                 : shown.blocked;
  if (!wanted || row.from == row.until || !in_window(row.from, row.until)) return;
  if (row.at_server ? in_window_ == 0 : !in_window(row.who, row.step)) return;
  if (is_full(row.until)) return;
  ++events_;
  const Lane lane = Lane(int(row.lane));
  const Track on = track(process_of(row), lane, row.from, row.until);
  const std::string name = name_of(row);
  if (row.lane == SpanRow::Lane::communication && row.bytes >= 0)
    writer_->slice(on, name, lane_names[lane], row.from, row.until,
                   {{"step", row.step},
                    {"bytes", row.bytes},
                    {"waited_us", to_seconds(std::clamp(row.moving, row.from, row.until) - row.from) * 1e6}});
  else writer_->slice(on, name, lane_names[lane], row.from, row.until, {{"step", row.step}});
}

void Trace::moment(const MomentRow& row) {
  if (!shows(row.worker) || !in_window(row.at, row.at + Span{1}) || is_full(row.at)) return;
  if (!in_window(row.worker, std::max<std::int64_t>(0, current_step_[std::size_t(row.worker)]))) return;
  ++events_;
  const int process = row.worker + 1;
  writer_->instant(named(process, process * width + steps, lane_names[steps]), row.what, row.at,
                   {{"value", row.value}});
}

void Trace::queue(int server, Time at, std::size_t length) {
  if (!spec_.shown.counters || in_window_ == 0 || !in_window(at, at + Span{1}) || is_full(at)) return;
  ++events_;
  writer_->counter(server_process(server), "queue length", at, double(length));
}

bool Trace::at_work(int process) const {
  if (process < 1 || process > cluster_.workers()) return in_window_ > 0;
  const std::int64_t step = current_step_[std::size_t(process - 1)];
  return step >= 0 && in_window(process - 1, step);
}

Track Trace::link_track(std::uint32_t link) {
  const Topology& topology = cluster_.topology();
  const int vertex = topology.ends(link).from;
  int& process = process_of_vertex_[std::size_t(vertex)];
  if (process < 0) {
    process = cluster_.workers() + 1 + cluster_.spec().servers.count + vertex;
    writer_->process(process, topology.vertex_name(vertex));
  }
  return named(process, first_link + link, topology.link_name(link));
}

void Trace::busy(const BusyRow& row) {
  if (!in_window(row.from, row.until) || in_window_ == 0 || row.from == row.until || is_full(row.until)) return;
  const int process = process_of_vertex_[std::size_t(cluster_.topology().ends(row.link).from)];
  if (process >= 1 && process <= cluster_.workers() && !shows(process - 1)) return;
  const Track on = link_track(row.link);
  const double share = row.bytes / (row.capacity * to_seconds(row.until - row.from));
  writer_->slice(on, "busy", "link", row.from, row.until, {{"bytes", row.bytes}, {"utilization", share}});
  ++events_;
  if (!spec_.shown.counters) return;
  const std::string name = fmt::format("utilization {}", cluster_.topology().link_name(row.link));
  writer_->counter(on.process, name, row.from, share);
  writer_->counter(on.process, name, row.until, 0);
  events_ += 2;
}

void Trace::message(const MessageRow& row) {
  if (row.arrived == Time::max()) open_.push_back(row);
  else write(row, row.arrived, true);
}

void Trace::write(const MessageRow& row, Time until, bool complete) {
  const int from = process_of_vertex_[std::size_t(row.from)], to = process_of_vertex_[std::size_t(row.to)];
  if (!spec_.shown.messages || from < 0 || to < 0 || !in_window(row.sent, until) || is_full(until)) return;
  if (!at_work(from) && !at_work(to)) return;
  const auto is_hidden = [this](int process) {
    return process >= 1 && process <= cluster_.workers() && !shows(process - 1);
  };
  if (is_hidden(from) || is_hidden(to)) return;
  events_ += complete ? 6 : 4;
  const auto lane_of = [&](int process) { return named(process, process * width + messages, lane_names[messages]); };
  const std::string name =
      fmt::format("{} to {}", cluster_.topology().vertex_name(row.from), cluster_.topology().vertex_name(row.to));
  writer_->message(messages_++, lane_of(from), lane_of(to), name, row.sent, until, complete, row.bytes);
}

void Trace::step(const StepRow& row) {
  if (!spec_.shown.counters || !row.applied || !in_window(row.worker, row.step) || row.staleness == 0) return;
  if (!in_window(row.start, row.start + Span{1}) || is_full(row.start)) return;
  ++events_;
  writer_->counter(row.worker + 1, "staleness", row.start, double(row.staleness));
}

void Trace::curve(const CurvePoint& point) {
  if (!spec_.shown.counters || !in_window(point.time, point.time + Span{1})) return;
  const auto tell = [&](const char* name, const std::optional<double>& value) {
    if (value) writer_->counter(run, name, point.time, *value);
  };
  tell("training loss", point.train_loss);
  tell("test loss", point.test_loss);
  tell("test accuracy", point.test_accuracy);
}

void Trace::close(Time end) {
  for (const MessageRow& row : open_) write(row, end, false);
  if (full_at_ < Time::max())
    writer_->instant(named(run, run, "run"),
                     fmt::format("the trace ends here, after {} events: output.trace.most_events", spec_.most_events),
                     full_at_, {});
  writer_->close();
}

std::string Trace::note() const {
  if (full_at_ < Time::max())
    return fmt::format("the trace ends at {}, after {} events: a window (steps, time) or most_events can change that",
                       show_duration(to_seconds(full_at_)), spec_.most_events);
  return events_ == 0 ? "nothing of the run is in the window of the trace" : "";
}

std::unique_ptr<TraceFile> make_trace(const TraceSpec& spec, const Cluster& cluster, const std::string& path) {
  if (spec.format == TraceSpec::Format::hta) return std::make_unique<HtaTrace>(spec, cluster, path);
  return std::make_unique<Trace>(spec, cluster, path);
}

}  // namespace paceline
