#include <cmath>
#include <map>

#include "sim/experiment/protobuf.hpp"
#include "sim/experiment/trace/growing_file.hpp"
#include "sim/experiment/trace/writer.hpp"

namespace paceline {
namespace {

// Numbers of fields, from perfetto's trace.proto, trace_packet.proto, track_event.proto, track_descriptor.proto,
// debug_annotation.proto and interned_data.proto.
enum Field : unsigned {
  trace_packet = 1,
  packet_timestamp = 8,
  packet_sequence = 10,
  packet_event = 11,
  packet_interned = 12,
  packet_flags = 13,
  packet_descriptor = 60,
  track_uuid = 1,
  track_name = 2,
  track_process = 3,
  track_thread = 4,
  track_parent = 5,
  track_counter = 8,
  process_pid = 1,
  process_name = 6,
  thread_pid = 1,
  thread_tid = 2,
  thread_name = 5,
  event_annotation = 4,
  event_type = 9,
  event_name_iid = 10,
  event_track = 11,
  event_category_iid = 3,
  event_double = 44,
  event_flow = 47,
  event_terminating_flow = 48,
  annotation_int = 4,
  annotation_double = 5,
  annotation_text = 6,
  annotation_name = 10,
  interned_category = 1,
  interned_name = 2,
  string_iid = 1,
  string_text = 2,
};
enum Type : unsigned { slice_begin = 1, slice_end = 2, instant_event = 3, counter_value = 4 };
constexpr unsigned cleared = 1, incremental = 2;  // the state of interned names, on one sequence

class PerfettoTrace final : public TraceWriter {
 public:
  explicit PerfettoTrace(const std::string& path) : file_(path, "") {
    ProtobufMessage packet;
    packet.number(packet_sequence, 1);
    packet.number(packet_flags, cleared);
    write(packet);
  }

  void process(int process, std::string_view name) override {
    ProtobufMessage track, what;
    what.number(process_pid, std::uint64_t(process) + 1);
    what.text(process_name, name);
    track.number(track_uuid, uuid(process));
    track.message(track_process, what);
    describe(track);
  }
  void thread(Track given, std::string_view name) override {
    ProtobufMessage track, what;
    what.number(thread_pid, std::uint64_t(given.process) + 1);
    what.number(thread_tid, std::uint64_t(given.thread) + 1);
    what.text(thread_name, name);
    track.number(track_uuid, uuid(given));
    track.number(track_parent, uuid(given.process));
    track.message(track_thread, what);
    describe(track);
  }

  void slice(Track track, std::string_view name, std::string_view category, Time from, Time until,
             Arguments arguments) override {
    begin(track, name, category, from, arguments);
    end(track, until);
  }
  void instant(Track track, std::string_view name, Time at, Arguments arguments) override {
    event(instant_event, uuid(track), name, "moment", arguments);
    send(at);
  }
  void counter(int process, std::string_view name, Time at, double value) override {
    if (!std::isfinite(value)) return;
    const auto [found, fresh] = counters_.try_emplace({process, std::string(name)}, next_counter_);
    if (fresh) {
      ProtobufMessage track;
      track.number(track_uuid, next_counter_++);
      track.number(track_parent, uuid(process));
      track.text(track_name, name);
      track.message(track_counter, {});
      describe(track);
    }
    event_.clear();
    event_.number(event_type, counter_value);
    event_.number(event_track, found->second);
    event_.real(event_double, value);
    send(at);
  }
  void message(std::uint64_t number, Track from, Track to, std::string_view name, Time sent, Time arrived,
               bool complete, double bytes) override {
    event(slice_begin, uuid(from), name, "message", {{"bytes", bytes}});
    event_.fixed64(event_flow, number + 1);
    send(sent);
    end(from, sent);
    if (!complete) return;
    event(slice_begin, uuid(to), name, "message", {{"bytes", bytes}});
    event_.fixed64(event_terminating_flow, number + 1);
    send(arrived);
    end(to, arrived);
  }
  void close() override { file_.close(); }

 private:
  static std::uint64_t uuid(int process) { return std::uint64_t(process) + 1; }
  static std::uint64_t uuid(Track track) { return (std::uint64_t{1} << 40) + std::uint64_t(track.thread); }

  std::uint64_t interned(std::map<std::string, std::uint64_t, std::less<>>& table, unsigned field,
                         std::string_view text) {
    if (const auto found = table.find(text); found != table.end()) return found->second;
    const std::uint64_t iid = table.size() + 1;
    table.emplace(text, iid);
    ProtobufMessage entry;
    entry.number(string_iid, iid);
    entry.text(string_text, text);
    interned_.message(field, entry);
    return iid;
  }
  void event(Type type, std::uint64_t track, std::string_view name, std::string_view category, Arguments arguments) {
    event_.clear();
    event_.number(event_type, type);
    event_.number(event_track, track);
    event_.number(event_name_iid, interned(names_, interned_name, name));
    event_.number(event_category_iid, interned(categories_, interned_category, category));
    for (const Argument& argument : arguments) {
      ProtobufMessage annotation;
      annotation.text(annotation_name, argument.name);
      if (const auto* text = std::get_if<std::string_view>(&argument.value)) annotation.text(annotation_text, *text);
      else if (const auto* number = std::get_if<double>(&argument.value)) annotation.real(annotation_double, *number);
      else annotation.number(annotation_int, std::uint64_t(std::get<std::int64_t>(argument.value)));
      event_.message(event_annotation, annotation);
    }
  }
  void begin(Track track, std::string_view name, std::string_view category, Time at, Arguments arguments) {
    event(slice_begin, uuid(track), name, category, arguments);
    send(at);
  }
  void end(Track track, Time at) {
    event_.clear();
    event_.number(event_type, slice_end);
    event_.number(event_track, uuid(track));
    send(at);
  }
  void send(Time at) {
    ProtobufMessage packet;
    packet.number(packet_timestamp, std::uint64_t(at.time_since_epoch().count() / 1000));
    packet.number(packet_sequence, 1);
    packet.number(packet_flags, incremental);
    if (!interned_.bytes().empty()) packet.message(packet_interned, interned_);
    interned_.clear();
    packet.message(packet_event, event_);
    write(packet);
  }
  void describe(const ProtobufMessage& track) {
    ProtobufMessage packet;
    packet.number(packet_sequence, 1);
    packet.message(packet_descriptor, track);
    write(packet);
  }
  void write(const ProtobufMessage& packet) {
    ProtobufMessage trace;
    trace.message(trace_packet, packet);
    file_.append(trace.bytes());
  }

  GrowingFile file_;
  ProtobufMessage event_, interned_;
  std::map<std::string, std::uint64_t, std::less<>> names_, categories_;
  std::map<std::pair<int, std::string>, std::uint64_t> counters_;
  std::uint64_t next_counter_ = std::uint64_t{1} << 50;
};

}  // namespace

std::unique_ptr<TraceWriter> perfetto_trace(const std::string& path) { return std::make_unique<PerfettoTrace>(path); }

}  // namespace paceline
