#include <fmt/compile.h>
#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "sim/experiment/trace/growing_file.hpp"
#include "sim/experiment/trace/json_text.hpp"
#include "sim/experiment/trace/writer.hpp"

namespace paceline {
namespace {

class ChromeTrace final : public TraceWriter {
 public:
  explicit ChromeTrace(const std::string& path) : file_(path, "\n]}\n") {
    file_.append("{\"displayTimeUnit\":\"ms\",\"otherData\":{\"clock\":\"simulated\"},\"traceEvents\":[");
  }

  void process(int process, std::string_view name) override {
    metadata("process_name", {process, 0}, "name", name);
    metadata("process_sort_index", {process, 0}, "sort_index", std::int64_t{process});
  }
  void thread(Track track, std::string_view name) override {
    metadata("thread_name", track, "name", name);
    metadata("thread_sort_index", track, "sort_index", track.thread);
  }

  void slice(Track track, std::string_view name, std::string_view category, Time from, Time until,
             Arguments arguments) override {
    begin('X', track, from, name);
    put(FMT_COMPILE(",\"cat\":\"{}\",\"dur\":"), category);
    put_length(text_, from, until);
    put_arguments(arguments);
    end();
  }
  void instant(Track track, std::string_view name, Time at, Arguments arguments) override {
    begin('i', track, at, name);
    put(FMT_COMPILE(",\"cat\":\"moment\",\"s\":\"t\""));
    put_arguments(arguments);
    end();
  }
  void counter(int process, std::string_view name, Time at, double value) override {
    if (!std::isfinite(value)) return;
    begin('C', {process, 0}, at, name);
    put(FMT_COMPILE(",\"args\":{{\"value\":{}}}"), value);
    end();
  }
  void message(std::uint64_t number, Track from, Track to, std::string_view name, Time sent, Time arrived,
               bool complete, double bytes) override {
    half(number, 'b', "message", from, sent, name, bytes, complete);
    half(number, 'e', "message", from, arrived, name, -1, true);
    anchor(from, sent, "send", bytes);
    half(number, 's', "arrow", from, sent, name, -1, true);
    if (!complete) return;  // its arrow ends nowhere
    anchor(to, arrived, "receive", bytes);
    half(number, 'f', "arrow", to, arrived, name, -1, true);
  }
  void close() override { file_.close(); }

 private:
  template <class Format, class... Values>
  void put(const Format& format, const Values&... values) {
    fmt::format_to(std::back_inserter(text_), format, values...);
  }
  void begin(char phase, Track track, Time at, std::string_view name) {
    text_.clear();
    put(FMT_COMPILE("{}\n{{\"ph\":\"{}\",\"pid\":{},\"tid\":{},\"ts\":"), first_ ? "" : ",", phase, track.process,
        track.thread);
    first_ = false;
    put_microseconds(text_, at.time_since_epoch());
    put(FMT_COMPILE(",\"name\":"));
    put_json_string(text_, name);
  }
  void end() {
    text_.push_back('}');
    file_.append({text_.data(), text_.size()});
  }
  // An arrow needs something on the lane that it can lead from and to.
  void anchor(Track track, Time at, std::string_view name, double bytes) {
    begin('X', track, at, name);
    put(FMT_COMPILE(",\"cat\":\"message\",\"dur\":0,\"args\":{{\"bytes\":{}}}"), bytes);
    end();
  }
  void half(std::uint64_t number, char phase, std::string_view category, Track track, Time at, std::string_view name,
            double bytes, bool complete) {
    begin(phase, track, at, name);
    put(FMT_COMPILE(",\"cat\":\"{}\",\"id\":\"{:x}\""), category, number);
    if (phase == 'f') put(FMT_COMPILE(",\"bp\":\"e\""));
    if (bytes >= 0) put(FMT_COMPILE(",\"args\":{{\"bytes\":{},\"arrived\":{}}}"), bytes, complete);
    end();
  }
  void put_arguments(Arguments arguments) {
    if (arguments.size() == 0) return;
    put(FMT_COMPILE(",\"args\":"));
    char separator = '{';
    for (const Argument& argument : arguments) {
      put(FMT_COMPILE("{}\"{}\":"), std::exchange(separator, ','), argument.name);
      if (const auto* text = std::get_if<std::string_view>(&argument.value)) put_json_string(text_, *text);
      else if (const auto* number = std::get_if<double>(&argument.value))
        std::isfinite(*number) ? put(FMT_COMPILE("{}"), *number) : put(FMT_COMPILE("null"));
      else put(FMT_COMPILE("{}"), std::get<std::int64_t>(argument.value));
    }
    text_.push_back('}');
  }
  template <class Value>
  void metadata(std::string_view what, Track track, const char* key, Value value) {
    begin('M', track, Time{}, what);
    put_arguments({{key, value}});
    end();
  }

  GrowingFile file_;
  fmt::memory_buffer text_;
  bool first_ = true;
};

}  // namespace

std::unique_ptr<TraceWriter> chrome_trace(const std::string& path) { return std::make_unique<ChromeTrace>(path); }

}  // namespace paceline
