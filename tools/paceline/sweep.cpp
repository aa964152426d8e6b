// paceline sweep SWEEP: plans all runs of a sweep file, does those that its store does not have, tells what came out.
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "sim/core/units.hpp"
#include "sim/experiment/sweep/export.hpp"
#include "sim/experiment/sweep/ranks.hpp"
#include "sim/experiment/sweep/runner.hpp"
#include "tools/paceline/progress_line.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::size_t most_errors = 10;  // that are shown

struct Words {
  std::string sweep, out, shard;
  std::vector<std::string> assignments;
  int jobs = 0, threads = 0;
  bool dry_run = false, retry_failed = false, json = false, quiet = false, watch = false;
};

Shard read_shard(const std::string& text) {
  if (text.empty()) return {};
  Shard shard;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%lu/%lu%c", &shard.index, &shard.of, &rest) != 2 || shard.index < 1 ||
      shard.of > 1'000'000 || shard.index > shard.of)
    throw UsageError(fmt::format("--shard: \"{}\" is not I/N with I from 1 to N, as in 1/4", text));
  --shard.index;
  return shard;
}

SweepPlan plan_of(const Words& words) {
  ProgressLine line(words.quiet);
  return make_plan(read_sweep(words.sweep, words.assignments), read_shard(words.shard), [&](std::size_t runs) {
    if (asked_to_stop()) std::_Exit(interrupted);  // nothing has been written
    line.show(fmt::format("reading scenarios: {}", runs));
  });
}

// What estimates are to be multiplied by, as finished runs tell.
double measured_over_estimated(const SweepPlan& plan, Store& store) {
  std::map<std::string, double> wall;
  Statement rows(store.database(), "SELECT hash, wall_s FROM runs WHERE state='done'");
  while (rows.step()) wall[rows.text(0)] = rows.value(1).is_number() ? rows.value(1).get<double>() : 0;
  double measured = 0, estimated = 0;
  for (const PlannedRun& run : plan.runs)
    if (const auto found = wall.find(run.hash); found != wall.end())
      measured += found->second, estimated += run.seconds;
  return measured > 0 && estimated > 0 ? measured / estimated : 1;
}

int dry_run(const Words& words, const SweepPlan& plan, const std::string& file) {
  std::map<std::string, RunState> states;
  double scale = 1;
  if (fs::exists(file)) {
    Store store(file);
    states = store.states();
    scale = measured_over_estimated(plan, store);
  }
  Json runs = Json::array();
  std::vector<std::string> keys;
  for (const Axis& axis : plan.sweep.axes) keys.push_back(axis.key);
  std::vector<std::vector<std::string>> rows{short_names(keys)};
  for (const char* name : {"seed", "hash", "state", "events", "time"}) rows[0].emplace_back(name);
  double left = 0;
  for (const PlannedRun& run : plan.runs) {
    const auto found = states.find(run.hash);
    const RunState state = !run.error.empty()      ? RunState::failed
                           : found == states.end() ? RunState::waiting
                                                   : found->second;
    const bool open = state == RunState::waiting || state == RunState::running;
    if (open) left += run.seconds * scale;
    const Json axes = Json::parse(run.axes);
    runs.push_back({{"position", run.position},
                    {"hash", run.hash},
                    {"axes", axes},
                    {"seed", run.seed},
                    {"state", name_of(state)},
                    {"events", run.events},
                    {"seconds", run.seconds * scale},
                    {"error", run.error.empty() ? Json() : Json(run.error)}});
    std::vector<std::string> row;
    for (const auto& [key, value] : axes.items()) row.push_back(short_value(value));
    row.insert(row.end(), {std::to_string(run.seed), run.hash, std::string(name_of(state)),
                           run.error.empty() ? show_count(run.events) : "-",
                           run.error.empty() ? show_duration(run.seconds * scale) : "-"});
    rows.push_back(std::move(row));
  }
  if (words.json) {
    fmt::print("{}\n", Json{{"sweep", plan.sweep.name},
                            {"excluded", plan.excluded},
                            {"same", plan.same},
                            {"seconds_left", left},
                            {"measured", scale != 1},
                            {"runs", runs}}
                           .dump(2, ' ', false, Json::error_handler_t::replace));
    return done;
  }
  const auto is_wrong = [](const PlannedRun& run) { return !run.error.empty(); };
  if (const auto wrong = std::count_if(plan.runs.begin(), plan.runs.end(), is_wrong); wrong > 0)
    fmt::print(stderr, "paceline: {} of {} runs are no scenarios; the first: {}\n", wrong, plan.runs.size(),
               std::find_if(plan.runs.begin(), plan.runs.end(), is_wrong)->error);
  const bool colour = isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR");
  fmt::print("{}\n  {} runs, about {} of one processor left; {}\n", aligned(rows, keys.size(), colour),
             plan.runs.size(), show_duration(left),
             scale != 1 ? "scaled by what finished runs took" : "a guess before the first run");
  return done;
}

std::string to_text(const SweepProgress& p) {
  std::string text = fmt::format("{} of {} runs", p.done + p.failed, p.of);
  if (p.failed) text += fmt::format(", {} failed", p.failed);
  text += fmt::format("  {} running", p.running);
  if (p.elsewhere) text += fmt::format(", {} elsewhere", p.elsewhere);
  return text + fmt::format("  {}  ETA {}", show_duration(p.elapsed_s), p.left_s ? show_duration(*p.left_s) : "?");
}

// `before`: how many were done when it began.
std::string summary_of(const SweepProgress& p, const SweepPlan& plan, std::size_t before) {
  const double share = double(p.done + p.failed) / double(p.of);
  std::string text = fmt::format("{} {}\n  speed      {:.4g} runs/s", bar_of(share), to_text(p),
                                 (double(p.done + p.failed) - double(before)) / std::max(p.elapsed_s, 1e-9));
  if (p.best_accuracy) text += fmt::format("\n  accuracy   best so far {:.4f}", *p.best_accuracy);
  for (const SweepProgress::Current& each : p.current)
    text += fmt::format("\n  {} {:5.1f} %  {}{}", bar_of(each.fraction), 100 * each.fraction, plan.runs[each.run].axes,
                        each.accuracy ? fmt::format("  accuracy {:.4f}", *each.accuracy) : "");
  return text;
}

Json to_json(const Configuration& c) {
  const auto number = [](std::optional<double> value) { return value ? Json(*value) : Json(); };
  return {{"axes", Json::parse(c.axes)},
          {"done", c.done},
          {"failed", c.failed},
          {"waiting", c.waiting},
          {"simulated_time_s", number(c.simulated_time_s)},
          {"final_test_accuracy", number(c.accuracy)},
          {"throughput_samples_per_s", number(c.throughput_samples_per_s)},
          {"error", c.error.empty() ? Json() : Json(c.error)}};
}

// What the store holds of the plan; returns how many are not done.
std::size_t tell(const Words& words, const SweepPlan& plan, Store& store, const std::string& folder) {
  const std::vector<Configuration> all = configurations(store, plan);
  std::size_t done_ = 0, failed_ = 0, waiting = 0;
  for (const Configuration& c : all) done_ += c.done, failed_ += c.failed, waiting += c.waiting;
  if (words.json) {
    Json list = Json::array();
    for (const Configuration& c : all) list.push_back(to_json(c));
    fmt::print("{}\n", Json{{"sweep", plan.sweep.name},
                            {"store", folder + "/sweep.sqlite"},
                            {"runs", plan.runs.size()},
                            {"done", done_},
                            {"failed", failed_},
                            {"waiting", waiting},
                            {"configurations", list}}
                           .dump(2, ' ', false, Json::error_handler_t::replace));
  } else if (!words.quiet) {
    const bool colour = isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR");
    fmt::print("\n{}{}{}   {} runs done{}{}\n\n{}\n  store: {}/sweep.sqlite, table: {}/sweep.csv\n",
               colour ? "\x1b[1m" : "", plan.sweep.name, colour ? "\x1b[0m" : "", done_,
               failed_ ? fmt::format(", {} failed", failed_) : "", waiting ? fmt::format(", {} waiting", waiting) : "",
               to_table(all, colour), folder, folder);
  }
  std::size_t shown = 0;
  for (const Configuration& c : all) {
    if (c.error.empty() || shown++ >= most_errors) continue;
    fmt::print(stderr, "paceline: {} failed at {}: {}\n", c.failed == 1 ? "a run" : fmt::format("{} runs", c.failed),
               c.axes, c.error);
  }
  if (shown > most_errors)
    fmt::print(stderr, "paceline: and runs of {} other configurations; all errors are in {}/sweep.csv\n",
               shown - most_errors, folder);
  return failed_ + waiting;
}

// A rank other than 0: its runs, store and table are those of rank 0, which also says what went wrong here.
int help(const Words& words, Transport& transport) {
  std::string error;
  try {
    do_runs_of_rank_0(
        read_sweep(words.sweep, words.assignments), transport,
        {.jobs = std::max(1, words.jobs), .threads = words.threads, .told = {}, .asked_to_stop = asked_to_stop});
  } catch (const std::exception& wrong) { error = wrong.what(); }
  leave_ranks(transport, error);
  return done;
}

// The runs of this process and, where it is rank 0 of several, of those that ask it.
void do_all(const Words& words, const SweepPlan& plan, StoreDispatcher& dispatcher, Transport* transport,
            bool& served) {
  ProgressLine line(words.quiet);
  const StoreDispatcher::Counts begin = dispatcher.counts();
  const int processors = int(std::max(1u, std::thread::hardware_concurrency()));
  std::exception_ptr error;
  std::atomic<bool> left = transport == nullptr;
  std::thread ranks([&] {
    try {
      if (transport) serve_ranks(plan, dispatcher, *transport, served);
    } catch (...) {
      error = std::current_exception();
      dispatcher.stop();
    }
    left = true;
  });
  // Claims are renewed until the other ranks have left, too.
  const auto join = [&] {
    for (double waited = 0; !left; waited += 0.1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (waited < renewal_s) continue;
      dispatcher.renew();
      waited = 0;
    }
    ranks.join();
  };
  try {
    do_runs(plan, dispatcher,
            {.jobs = words.jobs  ? words.jobs
                     : transport ? 1
                                 : processors,
             .threads = words.threads ? words.threads
                        : transport   ? 1
                                      : 0,
             .told =
                 [&](const SweepProgress& progress) {
                   line.show(words.watch ? summary_of(progress, plan, begin.done + begin.failed) : to_text(progress));
                 },
             .asked_to_stop = asked_to_stop});
  } catch (...) {
    dispatcher.stop();
    join();
    throw;
  }
  join();
  if (error) std::rethrow_exception(error);
}

int sweep_here(const Words& words, Transport* transport, bool& served) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of its writer
  const SweepPlan plan = plan_of(words);
  const std::string folder = words.out.empty() ? "runs/" + plan.sweep.name : words.out;
  const std::string file = folder + "/sweep.sqlite";
  if (words.dry_run) return dry_run(words, plan, file);
  if (!words.quiet) {
    for (const std::string& note : plan.notes) fmt::print(stderr, "note: {}\n", note);
    if (plan.same) fmt::print(stderr, "note: {} runs are the same as others, and done once\n", plan.same);
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw RunError(fmt::format("{}: cannot be made: {}", folder, error.message()));
  Store store(file);
  store.add(plan);
  if (words.retry_failed) store.retry_failed();
  {
    StoreDispatcher dispatcher(plan, store);
    do_all(words, plan, dispatcher, transport, served);
  }
  write_csv(store, folder + "/sweep.csv");
  const std::size_t failed_runs = tell(words, plan, store, folder);
  if (asked_to_stop()) {
    fmt::print(stderr, "paceline: interrupted; the same command goes on\n");
    return interrupted;
  }
  if (failed_runs && !words.quiet) fmt::print(stderr, "to do failed runs again: --retry-failed\n");
  return failed_runs ? failed : done;
}

// Errors leave only when all ranks have come to their end: MPI ends a program from which one leaves alone.
int sweep(const Words& words) {
  hear_signals();
  std::unique_ptr<Transport> transport = words.dry_run ? nullptr : mpi_transport();
  if (transport && transport->rank() > 0) return help(words, *transport);
  bool served = transport == nullptr;
  int code = done;
  std::exception_ptr error;
  try {
    code = sweep_here(words, transport.get(), served);
  } catch (...) { error = std::current_exception(); }
  if (!served) dismiss_ranks(*transport);
  transport.reset();
  if (error) std::rethrow_exception(error);
  return code;
}

}  // namespace

Action sweep_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("SWEEP", words->sweep, "a JSON file with \"scenario\" and \"axes\"")->required();
  app.add_option("--set", words->assignments, "KEY=VALUE on the scenario of all runs, as for run")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--out", words->out, "the folder of the store; by default runs/NAME");
  app.add_option("--jobs", words->jobs, "runs at a time; by default one per processor")->check(CLI::Range(1, 1024));
  app.add_option("--threads", words->threads, "that compute, those of the jobs included; by default one per processor")
      ->check(CLI::Range(1, 1024));
  app.add_option("--shard", words->shard, "I/N: only every N-th run, by its hash; I from 1");
  app.add_flag("--dry-run", words->dry_run, "lists the runs and what they may take");
  app.add_flag("--retry-failed", words->retry_failed, "does failed runs again");
  app.add_flag("--json", words->json, "prints one JSON document");
  app.add_flag("--watch", words->watch, "a live summary instead of a line: speed, accuracy so far, the runs at work");
  app.add_flag("--quiet", words->quiet, "prints nothing but errors");
  return [words] { return sweep(*words); };
}

}  // namespace paceline
