// TraceWriter: a format of traces. Tracks are lanes of processes; times are simulated. Rows come in the order in which
// they end, and those of one track never overlap.
#pragma once
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "sim/core/time.hpp"

namespace paceline {

struct Track {
  int process = 0;
  std::int64_t thread = 0;
};

struct Argument {
  const char* name;
  std::variant<std::int64_t, double, std::string_view> value;
};
using Arguments = std::initializer_list<Argument>;

class TraceWriter {
 public:
  virtual ~TraceWriter() = default;
  // Before anything is on them; in the order in which they are shown.
  virtual void process(int process, std::string_view name) = 0;
  virtual void thread(Track track, std::string_view name) = 0;

  virtual void slice(Track track, std::string_view name, std::string_view category, Time from, Time until,
                     Arguments arguments) = 0;
  virtual void instant(Track track, std::string_view name, Time at, Arguments arguments) = 0;
  virtual void counter(int process, std::string_view name, Time at, double value) = 0;
  // A message on its way, with an arrow from where it is sent to where it is received; `number` tells it from others.
  virtual void message(std::uint64_t number, Track from, Track to, std::string_view name, Time sent, Time arrived,
                       bool complete, double bytes) = 0;
  virtual void close() = 0;
};

// Chrome Trace Event JSON, object form: ts and dur in microseconds.
// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
std::unique_ptr<TraceWriter> chrome_trace(const std::string& path);
// Perfetto's TrackEvent packets (protobuf), times in nanoseconds.
// https://perfetto.dev/docs/reference/synthetic-track-event
std::unique_ptr<TraceWriter> perfetto_trace(const std::string& path);

}  // namespace paceline
