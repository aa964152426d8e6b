// paceline run SCENARIO: parses, builds, runs, writes the run folder, prints the summary.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include "sim/core/units.hpp"
#include "sim/experiment/experiment.hpp"
#include "sim/experiment/parse.hpp"
#include "sim/experiment/tensorboard.hpp"
#include "tools/paceline/verbs.hpp"
#include "tools/paceline/watch.hpp"

namespace paceline {
namespace {

struct Words {
  std::optional<std::string> scenario, resume;  // one of them
  std::string out, max_wall, trace_steps, trace_format;
  std::vector<std::string> assignments;
  bool timing_only = false, trace = false, tensorboard = false, json = false, quiet = false, watch = false;
  int threads = 0;
  std::uint64_t max_events = 0;
};

int exit_code(const Results& results) {
  if (results.reason == "deadlock") return deadlock;
  if (results.reason == "interrupted") return interrupted;
  if (results.reason == "limit") return limit;
  return results.all_hold() ? done : failed;
}

RecordFiles files_of(const Spec& spec, const std::string& folder) {
  const auto file = [&](bool wanted, const char* name) { return wanted ? folder + "/" + name : ""; };
  return {file(spec.write_steps, "steps.csv"), file(spec.write_flows, "flows.csv"),
          file(spec.write_traffic, "traffic.csv"), file(spec.record_cost, "cost.json"),
          spec.trace.on ? folder + "/trace" + extension_of(spec.trace.format) : ""};
}

// Of the run that was interrupted.
Spec spec_of(const std::string& folder) {
  namespace fs = std::filesystem;
  if (!fs::exists(folder + "/scenario.json")) throw UsageError(fmt::format("--resume: {} is no run folder", folder));
  if (!fs::exists(folder + "/checkpoint.bin") && fs::exists(folder + "/results.json"))
    throw UsageError(fmt::format("--resume: the run in {} has ended by itself", folder));
  return parse_scenario(folder + "/scenario.json");
}

int run(const Words& words) {
  std::vector<std::string> assignments = words.assignments;
  if (words.timing_only) assignments.push_back("numerics=false");
  if (!words.trace_steps.empty()) assignments.push_back("output.trace.steps=\"" + words.trace_steps + "\"");
  if (!words.trace_format.empty()) assignments.push_back("output.trace.format=" + words.trace_format);
  double max_wall = 1e300;
  if (!words.max_wall.empty()) {
    const auto parsed = parse_quantity(words.max_wall, Dimension::duration);
    if (!parsed || *parsed <= 0)
      throw UsageError(fmt::format("--max-wall: \"{}\" is not a duration with a unit, as in \"1h\"", words.max_wall));
    max_wall = *parsed;
  }
  if (words.scenario.has_value() == words.resume.has_value())
    throw UsageError(words.resume ? "--resume DIR goes without a SCENARIO: the folder has its own"
                                  : "SCENARIO is required, or --resume DIR");
  Spec spec = words.resume ? spec_of(*words.resume) : parse_scenario(*words.scenario, assignments);
  if (words.trace && !spec.trace.on && !words.resume) {  // what the scenario itself says of its trace holds
    assignments.insert(assignments.begin(), "output.trace={}");
    spec = parse_scenario(*words.scenario, assignments);
  }
  if (!words.quiet)
    for (const std::string& note : spec.notes) fmt::print(stderr, "note: {}\n", note);
  Threads threads(words.threads);
  Experiment experiment(spec, threads);

  const std::string folder = words.resume         ? *words.resume
                             : !words.out.empty() ? words.out
                                                  : fmt::format("runs/{}-{}", spec.name, spec.hash.substr(0, 8));
  const std::string checkpoint = folder + "/checkpoint.bin";
  std::error_code error;
  const bool is_new = std::filesystem::create_directories(folder, error);
  if (error) throw RunError(fmt::format("{}: cannot be made: {}", folder, error.message()));
  for (const char* own : {"results.json", "curve.csv", "steps.csv", "workers.csv", "waits.csv", "links.csv",
                          "flows.csv", "traffic.csv", "cost.json", "trace.json.gz", "trace.pftrace.gz"})
    std::filesystem::remove(folder + "/" + own, error);
  const bool resume = words.resume && std::filesystem::exists(checkpoint);
  if (!words.resume) {
    std::filesystem::remove(checkpoint, error);
    write_file(folder + "/scenario.json", spec.resolved);
  } else if (!resume && !words.quiet) {
    fmt::print(stderr, "note: {} has no checkpoint yet: from the start\n", folder);
  }

  Watch watch(words.quiet, max_wall, words.watch);
  const auto given_up = [&](int code, const std::exception& why) {
    watch.clear();
    fmt::print(stderr, "paceline: {}; the run had not come to where its checkpoint is, which stays as it was\n",
               why.what());
    return code;
  };
  Results results;
  try {
    results = experiment.run({.files = files_of(spec, folder),
                              .max_events = words.max_events,
                              .poll = [&](const Progress& progress) { watch.look(progress); },
                              .checkpoint = checkpoint,
                              .resume = resume});
  } catch (const ConfigError&) {  // found wrong only now: nothing has run
    if (is_new) std::filesystem::remove_all(folder, error);
    throw;
  } catch (const Interrupted& stop) { return given_up(interrupted, stop); } catch (const LimitReached& reached) {
    return given_up(limit, reached);
  }
  watch.clear();
  write_results(results, folder);
  if (words.tensorboard) write_tensorboard(results.curve, folder + "/tensorboard");
  if (words.json) {
    std::cout << std::ifstream(folder + "/results.json").rdbuf() << std::flush;  // the same document, to the second
  } else if (!words.quiet) {
    const bool colour = isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR");
    fmt::print("{}  run folder: {}\n", summary_table(results, colour), folder);
  }
  if (std::filesystem::exists(checkpoint) && !words.quiet)
    fmt::print(stderr, "to go on: paceline run --resume {}\n", folder);
  if (const std::string note = experiment.trace_note(); !note.empty() && !words.quiet)
    fmt::print(stderr, "note: {}\n", note);
  if (results.reason == "deadlock") fmt::print(stderr, "paceline: {}\n", experiment.deadlock());
  for (const Check& check : results.checks)
    if (!check.holds) fmt::print(stderr, "paceline: self-check failed: {}: {}\n", check.name, check.detail);
  return exit_code(results);
}

}  // namespace

Action run_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("SCENARIO", words->scenario, "a JSON file");
  CLI::Option* const resume = app.add_option("--resume", words->resume,
                                             "DIR: continues the interrupted run in a run folder from its checkpoint");
  CLI::Option* const set = app.add_option("--set", words->assignments, "KEY=VALUE: overrides a key by its dotted path")
                               ->expected(1)
                               ->take_all()
                               ->allow_extra_args(false);
  CLI::Option* const out = app.add_option("--out", words->out, "the run folder; by default runs/NAME-HASH8");
  CLI::Option* const timing = app.add_flag("--timing-only", words->timing_only, "the same events without numerics");
  CLI::Option* const trace =
      app.add_flag("--trace", words->trace, "writes trace.json.gz: the run as lanes, for Perfetto and speedscope");
  CLI::Option* const steps =
      app.add_option("--trace-steps", words->trace_steps, "A:B: traces steps A up to B of every worker");
  CLI::Option* const format =
      app.add_option("--trace-format", words->trace_format, "chrome, perfetto, or hta (a file per rank)");
  for (CLI::Option* const of_the_run : {set, out, timing, trace, steps, format}) resume->excludes(of_the_run);
  app.add_flag("--tensorboard", words->tensorboard,
               "writes tensorboard/: losses and accuracies as TensorBoard reads them");
  app.add_option("--threads", words->threads, "that compute gradients; by default one per processor")
      ->check(CLI::Range(1, 1024));
  app.add_option("--max-wall", words->max_wall, "ends the run after so much wall time, as in 1h");
  app.add_option("--max-events", words->max_events, "ends the run after so many events")->check(CLI::NonNegativeNumber);
  app.add_flag("--json", words->json, "prints results.json instead of the summary");
  app.add_flag("--watch", words->watch, "a live summary instead of a line: speed, accuracy so far, ETA");
  app.add_flag("--quiet", words->quiet, "prints nothing but errors");
  return [words] { return run(*words); };
}

}  // namespace paceline
