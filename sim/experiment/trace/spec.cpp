#include "sim/experiment/trace/spec.hpp"

#include <fmt/format.h>

#include <charconv>

namespace paceline {
namespace {

const std::vector<std::string> formats{"chrome", "perfetto", "hta"};
const std::vector<std::string> details{"steps", "lanes", "full"};

// "A:B", either of which may be left out: from A on, up to B, which is not part of it.
std::pair<std::string, std::string> read_window(Reader& in, const char* key, const char* help) {
  const std::string text = in.text(key, {.fallback = ":", .help = help});
  const auto colon = text.find(':');
  if (!in.describing() && (colon == std::string::npos || text.find(':', colon + 1) != std::string::npos))
    in.fail(key, fmt::format("must be \"A:B\", from A up to B, not \"{}\"", text));
  return {text.substr(0, colon), colon == std::string::npos ? "" : text.substr(colon + 1)};
}

void read_steps(Reader& in, TraceSpec& spec) {
  const auto [first, end] = read_window(in, "steps", "of every worker, as in \"0:20\": from step 0 up to step 20");
  const auto number = [&](const std::string& text, std::int64_t otherwise) {
    if (text.empty() || in.describing()) return otherwise;
    std::int64_t value = -1;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || stop != text.data() + text.size() || value < 0)
      in.fail("steps", fmt::format("\"{}\" is no step: they are counted from 0", text));
    return value;
  };
  spec.first_step = number(first, spec.first_step);
  spec.end_step = number(end, spec.end_step);
  if (spec.first_step >= spec.end_step) in.fail("steps", "is an empty window");
}

void read_time(Reader& in, TraceSpec& spec) {
  const auto [from, until] = read_window(in, "time", "simulated, as in \"10s:12s\"");
  const auto time = [&](const std::string& text, Time otherwise) {
    if (text.empty() || in.describing()) return otherwise;
    const auto seconds = parse_quantity(text, Dimension::duration);
    if (!seconds || *seconds < 0)
      in.fail("time", fmt::format("\"{}\" is no duration with a unit, as in \"10s\"", text));
    return later(Time{}, span_of(*seconds));
  };
  spec.from = time(from, spec.from);
  spec.until = time(until, spec.until);
  if (spec.from >= spec.until) in.fail("time", "is an empty window");
}

void read_shown(Reader& in, TraceSpec& spec) {
  const std::string detail =
      in.text("detail", {.choices = details,
                         .fallback = "full",
                         .help = "steps: those and counters; lanes: what workers and servers do, too; full: messages "
                                 "and links, too"});
  TraceSpec::Shown& shown = spec.shown;
  const std::vector<std::pair<std::string, bool*>> all{
      {"steps", &shown.steps},       {"compute", &shown.compute},   {"communication", &shown.communication},
      {"blocked", &shown.blocked},   {"messages", &shown.messages}, {"links", &shown.links},
      {"counters", &shown.counters},
  };
  if (detail != "full") shown.messages = shown.links = false;
  if (detail == "steps") shown.compute = shown.communication = shown.blocked = false;
  const std::vector<std::string> lanes =
      in.texts("lanes",
               "those of steps, compute, communication, blocked, messages, links, counters that are shown; left out: "
               "as `detail` says");
  if (lanes.empty()) return;
  for (const auto& [name, flag] : all) *flag = false;
  std::vector<std::string> names;
  for (const auto& [name, flag] : all) names.push_back(name);
  for (const std::string& lane : lanes) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.first == lane; });
    if (found == all.end()) in.fail("lanes", fmt::format("knows no \"{}\"{}", lane, did_you_mean_one_of(lane, names)));
    *found->second = true;
  }
}

}  // namespace

TraceSpec read_trace(Reader& in) {
  TraceSpec spec;
  const std::string format = in.text(
      "format", {.choices = formats,
                 .fallback = "chrome",
                 .help = "chrome: trace.json.gz, for Perfetto and speedscope; perfetto: trace.pftrace.gz, smaller, for "
                         "Perfetto; hta: a folder with a file per rank, for Holistic Trace Analysis"});
  spec.format = TraceSpec::Format(std::find(formats.begin(), formats.end(), format) - formats.begin());
  read_steps(in, spec);
  read_time(in, spec);
  spec.workers = in.workers_or_all("workers", "whose lanes are shown; left out: all");
  read_shown(in, spec);
  spec.most_events = std::uint64_t(in.integer(
      "most_events", {.minimum = 1,
                      .fallback = 100'000,
                      .help = "then the trace ends, the run goes on; not where a window says when it ends"}));
  return spec;
}

const char* extension_of(TraceSpec::Format format) {
  switch (format) {
    case TraceSpec::Format::chrome:
      return ".json.gz";
    case TraceSpec::Format::perfetto:
      return ".pftrace.gz";
    case TraceSpec::Format::hta:
      return "";
  }
  return "";
}

}  // namespace paceline
