// What a run writes down as it goes. Those who know (workers, servers) write into a Sink, which the experiment
// implements; they never include up.
#pragma once
#include <cstdint>
#include <optional>

#include "sim/core/time.hpp"

namespace paceline {

// What a worker's time goes to. Every instant of every worker is exactly one of these.
enum class Activity {
  compute,
  communication,  // blocked on bytes that are moving
  wait,           // blocked on other workers
  queue,          // blocked at a server, behind others or in its own service
  down,
};
constexpr std::size_t activities = 5;

// One batch of one worker, from its start to the start of the next.
struct StepRow {
  int worker = 0;
  std::int64_t step = 0;  // the worker's own count, from 0
  Time start{};
  Span spent[activities]{};
  int samples = 0;
  std::optional<double> train_loss{};  // mean over the batch, at the parameters it was computed at
  std::int64_t staleness = 0;
  bool applied = true;  // its gradient became part of the parameters
};

// An evaluation. Losses and the accuracy are empty without numerics.
struct CurvePoint {
  Time time{};
  double step = 0, epoch = 0;
  std::int64_t samples = 0;
  std::optional<double> train_loss{};  // mean batch loss since the last point
  std::optional<double> test_loss{}, test_accuracy{};
  double bytes_on_wire = 0;
};

// A message from one node of the network to another; `arrived` is Time::max() of one that never was.
struct MessageRow {
  int from, to;
  double bytes;
  Time sent, arrived;
};

constexpr int nobody = -1;  // among workers

// What somebody did for some time.
struct SpanRow {
  enum class Lane : std::uint8_t { step, compute, communication, blocked };
  bool at_server = false;
  int who = 0;  // worker or server
  Lane lane = Lane::compute;
  const char* what = "";     // "forward", "all_reduce"
  std::int64_t number = -1;  // of several
  int on = nobody;           // whom a worker waits for, or a server serves
  std::int64_t step = 0;     // of the worker
  Time from{}, until{};
  Time moving{};                          // communication: since when bytes moved
  double bytes = -1;                      // communication: where it is known
  Activity activity = Activity::compute;  // what it counts as
};

// Something that happened to a worker at one time.
struct MomentRow {
  int worker;
  const char* what;
  Time at;
  double value;
};

// A link had something to carry, at a capacity in bytes a second.
struct BusyRow {
  std::uint32_t link;
  Time from, until;
  double bytes, capacity;
};

// What hears of everything as it ends, in order of time: a trace.
class Timeline {
 public:
  virtual ~Timeline() = default;
  virtual void begins(int worker, std::int64_t step, Time at) = 0;
  virtual void span(const SpanRow& row) = 0;
  virtual void moment(const MomentRow&) {}
  virtual void queue(int /*server*/, Time /*at*/, std::size_t /*length*/) {}
  virtual void busy(const BusyRow&) {}
  virtual bool wants_messages() const { return false; }
  virtual bool wants_links() const { return false; }
  virtual void message(const MessageRow&) {}
  virtual void step(const StepRow&) {}
  virtual void curve(const CurvePoint&) {}
  // The run is over, at that time.
  virtual void close(Time end) = 0;
};

// What was drawn for a worker's step, in seconds at nominal speed.
struct CostRow {
  int worker;
  std::int64_t step;
  double forward, backward, update;
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void step(const StepRow& row) = 0;
  virtual void curve(const CurvePoint& point) = 0;
  // Costs and messages are written down on request only.
  virtual bool wants_costs() const { return false; }
  virtual void cost(const CostRow&) {}
  virtual bool wants_messages() const { return false; }
  virtual void message(const MessageRow&) {}
  virtual Timeline* timeline() const { return nullptr; }
};

}  // namespace paceline
