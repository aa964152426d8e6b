// paceline run SCENARIO: parses, builds, runs, writes the run folder, prints the summary.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "sim/core/units.hpp"
#include "sim/experiment/experiment.hpp"
#include "sim/experiment/parse.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

volatile std::sig_atomic_t asked_to_stop = 0;

// Once: the second signal ends the process.
void ask_to_stop(int signal) {
  asked_to_stop = 1;
  std::signal(signal, SIG_DFL);
}

struct Words {
  std::string scenario, out, max_wall;
  std::vector<std::string> assignments;
  bool timing_only = false, json = false, quiet = false;
  int threads = 0;
  std::uint64_t max_events = 0;
};

// On a terminal a line that is rewritten ten times a second, otherwise a line every 10 s; both on stderr. Also where
// Ctrl-C and the limit on wall time are noticed.
class Watch {
 public:
  Watch(bool quiet, double max_wall_s) : quiet_(quiet), terminal_(isatty(STDERR_FILENO)), max_wall_s_(max_wall_s) {}
  ~Watch() { clear(); }

  void look(const Progress& p) {
    if (asked_to_stop) throw Interrupted("by the user");
    const double wall = std::chrono::duration<double>(Clock::now() - start_).count();
    if (wall > max_wall_s_) throw LimitReached(fmt::format("more than {} of wall time", show_duration(max_wall_s_)));
    if (quiet_ || wall - shown_ < (terminal_ ? 0.1 : 10)) return;
    shown_ = wall;
    const std::string left = p.fraction > 0.001 ? show_duration(wall * (1 - p.fraction) / p.fraction) : "?";
    const std::string text =
        fmt::format("{:5.1f} %  simulated {}  step {:.6g}  epoch {:.2f}{}  ETA {}", 100 * p.fraction,
                    show_duration(p.simulated_time_s), p.steps, p.epochs,
                    p.test_accuracy ? fmt::format("  accuracy {:.4f}", *p.test_accuracy) : "", left);
    if (terminal_) fmt::print(stderr, "\r\x1b[K{}", text);
    else fmt::print(stderr, "{}\n", text);
    std::fflush(stderr);
    drawn_ = terminal_;
  }
  void clear() {
    if (drawn_) fmt::print(stderr, "\r\x1b[K");
    drawn_ = false;
  }

 private:
  using Clock = std::chrono::steady_clock;
  bool quiet_, terminal_, drawn_ = false;
  double max_wall_s_, shown_ = 0;
  Clock::time_point start_ = Clock::now();
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
          file(spec.write_traffic, "traffic.csv"), file(spec.record_cost, "cost.json")};
}

int run(const Words& words) {
  std::vector<std::string> assignments = words.assignments;
  if (words.timing_only) assignments.push_back("numerics=false");
  double max_wall = 1e300;
  if (!words.max_wall.empty()) {
    const auto parsed = parse_quantity(words.max_wall, Dimension::duration);
    if (!parsed || *parsed <= 0)
      throw UsageError(fmt::format("--max-wall: \"{}\" is not a duration with a unit, as in \"1h\"", words.max_wall));
    max_wall = *parsed;
  }
  const Spec spec = parse_scenario(words.scenario, assignments);
  if (!words.quiet)
    for (const std::string& note : spec.notes) fmt::print(stderr, "note: {}\n", note);
  Threads threads(words.threads);
  Experiment experiment(spec, threads);

  const std::string folder =
      words.out.empty() ? fmt::format("runs/{}-{}", spec.name, spec.hash.substr(0, 8)) : words.out;
  std::error_code error;
  const bool is_new = std::filesystem::create_directories(folder, error);
  if (error) throw RunError(fmt::format("{}: cannot be made: {}", folder, error.message()));
  for (const char* own :
       {"results.json", "curve.csv", "steps.csv", "workers.csv", "links.csv", "flows.csv", "traffic.csv", "cost.json"})
    std::filesystem::remove(folder + "/" + own, error);
  write_file(folder + "/scenario.json", spec.resolved);

  std::signal(SIGINT, ask_to_stop);
  std::signal(SIGTERM, ask_to_stop);
  Watch watch(words.quiet, max_wall);
  const Results results = [&] {
    try {
      return experiment.run({.files = files_of(spec, folder),
                             .max_events = words.max_events,
                             .poll = [&](const Progress& progress) { watch.look(progress); }});
    } catch (const ConfigError&) {  // found wrong only now: nothing has run
      if (is_new) std::filesystem::remove_all(folder, error);
      throw;
    }
  }();
  watch.clear();
  write_results(results, folder);
  if (words.json) {
    std::cout << std::ifstream(folder + "/results.json").rdbuf() << std::flush;  // the same document, to the second
  } else if (!words.quiet) {
    const bool colour = isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR");
    fmt::print("{}  run folder: {}\n", summary_table(results, colour), folder);
  }
  if (results.reason == "deadlock") fmt::print(stderr, "paceline: {}\n", experiment.deadlock());
  for (const Check& check : results.checks)
    if (!check.holds) fmt::print(stderr, "paceline: self-check failed: {}: {}\n", check.name, check.detail);
  return exit_code(results);
}

}  // namespace

Action run_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("SCENARIO", words->scenario, "a JSON file")->required();
  app.add_option("--set", words->assignments, "KEY=VALUE: overrides a key by its dotted path")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--out", words->out, "the run folder; by default runs/NAME-HASH8");
  app.add_flag("--timing-only", words->timing_only, "the same events without numerics");
  app.add_option("--threads", words->threads, "that compute gradients; by default one per processor")
      ->check(CLI::Range(1, 1024));
  app.add_option("--max-wall", words->max_wall, "ends the run after so much wall time, as in 1h");
  app.add_option("--max-events", words->max_events, "ends the run after so many events")->check(CLI::NonNegativeNumber);
  app.add_flag("--json", words->json, "prints results.json instead of the summary");
  app.add_flag("--quiet", words->quiet, "prints nothing but errors");
  return [words] { return run(*words); };
}

}  // namespace paceline
