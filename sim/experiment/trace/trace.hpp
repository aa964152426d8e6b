// Trace: a run as lanes over simulated time. A process for the run (counters), for every worker, server and switch;
// lanes of a worker: steps, compute, communication, blocked (on what, and for whom), messages, its links; of a server:
// requests, messages, links.
//
// What goes on is written when it ends, straight to the file: memory does not grow with the length of a run.
#pragma once
#include <memory>
#include <unordered_map>
#include <vector>

#include "sim/experiment/trace/trace_file.hpp"
#include "sim/experiment/trace/writer.hpp"

namespace paceline {

class Trace final : public TraceFile {
 public:
  // `path`: of the file. Throws RunError when it cannot be written, as all here do.
  Trace(const TraceSpec& spec, const Cluster& cluster, const std::string& path);

  void begins(int worker, std::int64_t step, Time at) override;
  void span(const SpanRow& row) override;
  void moment(const MomentRow& row) override;
  void queue(int server, Time at, std::size_t length) override;
  void busy(const BusyRow& row) override;
  bool wants_messages() const override { return spec_.shown.messages; }
  bool wants_links() const override { return spec_.shown.links; }
  void message(const MessageRow& row) override;
  void step(const StepRow& row) override;
  void curve(const CurvePoint& point) override;
  void close(Time end) override;
  std::string note() const override;

 private:
  enum Lane : std::int64_t { steps, compute, communication, blocked, messages, lanes };
  static constexpr std::int64_t width = 64;  // numbers of lanes a process; overlapping ones go beside each other

  bool shows(int worker) const { return workers_.empty() || workers_[std::size_t(worker)]; }
  bool in_window(int worker, std::int64_t step) const {
    return shows(worker) && step >= spec_.first_step && step < spec_.end_step;
  }
  bool in_window(Time from, Time until) const { return until > spec_.from && from < spec_.until; }
  bool is_full(Time now);
  bool at_work(int process) const;
  int process_of(const SpanRow& row) const { return row.at_server ? server_process(row.who) : row.who + 1; }
  int server_process(int shard) const { return cluster_.workers() + 1 + shard; }
  Track track(int process, Lane lane, Time from, Time until);
  Track named(int process, std::int64_t thread, std::string_view name);
  void write(const MessageRow& row, Time until, bool complete);
  Track link_track(std::uint32_t link);
  void describe();

  const TraceSpec& spec_;
  const Cluster& cluster_;
  std::unique_ptr<TraceWriter> writer_;
  std::vector<bool> workers_;                        // that are shown; empty: all
  std::vector<int> process_of_vertex_;               // of the topology
  std::vector<std::int64_t> current_step_;           // by worker, -1: none yet
  int in_window_ = 0;                                // workers whose current step is
  std::unordered_map<std::int64_t, Time> last_end_;  // by lane that has been named
  std::uint64_t events_ = 0, messages_ = 0;
  std::vector<MessageRow> open_;  // messages that never arrive
  Time full_at_ = Time::max();
};

}  // namespace paceline
