// paceline trace RUN|SCENARIO -o FILE: a trace afterwards: the run is simulated again, from the same seed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "sim/experiment/experiment.hpp"
#include "sim/experiment/parse.hpp"
#include "tools/paceline/verbs.hpp"
#include "tools/paceline/watch.hpp"

namespace paceline {
namespace {

struct Words {
  std::string source, out, steps, time, workers, format, detail;
  std::vector<std::string> assignments, lanes;
  bool timing_only = false, quiet = false;
  int threads = 0;
};

std::string scenario_of(const std::string& source) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(source)) return source;
  const std::string scenario = source + "/scenario.json";
  if (!fs::exists(scenario)) throw UsageError(fmt::format("{} is no run folder: it has no scenario.json", source));
  return scenario;
}

// By its name, where no format is given.
std::string format_of(const Words& words) {
  if (!words.format.empty()) return words.format;
  return words.out.find(".pftrace") != std::string::npos ? "perfetto" : "chrome";
}

int trace(const Words& words) {
  std::vector<std::string> assignments = words.assignments;
  if (words.timing_only) assignments.push_back("numerics=false");
  const auto set = [&](const char* key, const std::string& value) {
    if (!value.empty()) assignments.push_back(fmt::format("output.trace.{}={}", key, value));
  };
  const auto set_text = [&](const char* key, const std::string& text) {
    if (!text.empty()) set(key, fmt::format("\"{}\"", text));
  };
  set_text("steps", words.steps);
  set_text("time", words.time);
  set_text("workers", words.workers);
  set("detail", words.detail);
  set("format", format_of(words));  // so that there is an output.trace
  if (!words.lanes.empty()) set("lanes", fmt::format("[\"{}\"]", fmt::join(words.lanes, "\",\"")));
  const Spec spec = parse_scenario(scenario_of(words.source), assignments);
  make_folder_of(words.out);
  Threads threads(words.threads);
  Experiment experiment(spec, threads);
  Watch watch(words.quiet, 1e300);
  const Results results =
      experiment.run({.files = {.trace = words.out}, .poll = [&](const Progress& progress) { watch.look(progress); }});
  watch.clear();
  if (const std::string note = experiment.trace_note(); !note.empty() && !words.quiet)
    fmt::print(stderr, "note: {}\n", note);
  if (!words.quiet) {
    fmt::print("{}: {} of simulated time, fingerprint {:016x}\n", words.out, show_duration(results.simulated_time_s),
               results.fingerprint);
    if (spec.trace.format != TraceSpec::Format::hta) fmt::print("to look at it: open it in https://ui.perfetto.dev\n");
  }
  return results.reason == "interrupted" ? interrupted : results.reason == "deadlock" ? deadlock : done;
}

}  // namespace

Action trace_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("SOURCE", words->source, "a run folder, or a scenario")->required();
  app.add_option("-o,--out", words->out, "the file; for hta the folder")->required();
  app.add_option("--set", words->assignments, "KEY=VALUE, as for run")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--steps", words->steps, "A:B: steps A up to B of every worker");
  app.add_option("--time", words->time, "A:B of simulated time, as in 10s:12s");
  app.add_option("--workers", words->workers, "whose lanes are shown, as in 0-3,7");
  app.add_option("--lanes", words->lanes,
                 "some of steps, compute, communication, blocked, messages, links, counters; with commas between")
      ->delimiter(',');
  app.add_option("--detail", words->detail, "steps, lanes, or full");
  app.add_option("--format", words->format, "chrome, perfetto, or hta; by default as the file's name says");
  app.add_flag("--timing-only", words->timing_only, "without numerics: no losses, the same events");
  app.add_option("--threads", words->threads, "that compute gradients; by default one per processor")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--quiet", words->quiet, "no progress, no closing line");
  return [words] { return trace(*words); };
}

}  // namespace paceline
