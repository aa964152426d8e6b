#include "sim/experiment/sweep/runner.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <ctime>
#include <new>
#include <thread>

#include "sim/experiment/experiment.hpp"
#include "sim/experiment/parse.hpp"
#include "sim/experiment/sweep/owner.hpp"

namespace paceline {
namespace {

using WallClock = std::chrono::steady_clock;
double since(WallClock::time_point start) { return std::chrono::duration<double>(WallClock::now() - start).count(); }

double thread_cpu_s() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

std::int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return std::int64_t(usage.ru_maxrss) * 1024;
}

Outcome attempt(const Sweep& sweep, const PlannedRun& run, Threads& threads,
                const std::function<void(const Progress&)>& poll, std::shared_ptr<const Dataset>& data) {
  Outcome failed{.hash = run.hash, .state = RunState::failed};
  try {
    const Spec spec = parse_scenario(scenario_of(sweep, run.indices, run.seed), sweep.scenario_name);
    Experiment experiment(spec, threads);
    data = experiment.data();
    RunOptions options;
    options.poll = poll;
    return outcome_of(run.hash, experiment.run(options));
  } catch (const Interrupted&) { failed.state = RunState::waiting; } catch (const std::bad_alloc&) {
    failed.error = "out of memory";
  } catch (const std::exception& error) { failed.error = describe(error); }
  return failed;
}

// How far the jobs of this process are.
class Jobs {
 public:
  Jobs(const SweepPlan& plan, int jobs) : plan_(plan), current_(std::size_t(jobs)) {}

  void begin(std::size_t job, std::size_t run) {
    const std::lock_guard lock(mutex_);
    current_[job] = {.run = run};
  }
  void at(std::size_t job, const Progress& progress) {
    const std::lock_guard lock(mutex_);
    current_[job]->fraction = progress.fraction;
    current_[job]->accuracy = progress.test_accuracy;
    if (progress.test_accuracy) best_ = std::max(best_.value_or(0), *progress.test_accuracy);
  }
  void end(std::size_t job) {
    const std::lock_guard lock(mutex_);
    done_ += plan_.runs[current_[job]->run].seconds;
    current_[job].reset();
  }
  SweepProgress progress(const StoreDispatcher& dispatcher, double elapsed_s) const {
    const StoreDispatcher::Counts counts = dispatcher.counts();
    SweepProgress p{
        .done = counts.done, .failed = counts.failed, .of = plan_.runs.size(), .elsewhere = counts.elsewhere};
    double left = dispatcher.seconds_left();
    const std::lock_guard lock(mutex_);
    double done = done_;
    for (const auto& each : current_) {
      if (!each) continue;
      ++p.running;
      p.current.push_back(*each);
      done += plan_.runs[each->run].seconds * each->fraction;
      left += plan_.runs[each->run].seconds * (1 - each->fraction);
    }
    p.elapsed_s = elapsed_s;
    p.best_accuracy = best_;
    if (done > 0) p.left_s = elapsed_s * left / done;
    return p;
  }

 private:
  const SweepPlan& plan_;
  mutable std::mutex mutex_;
  std::vector<std::optional<SweepProgress::Current>> current_;  // by job
  std::optional<double> best_;
  double done_ = 0;  // estimated seconds
};

}  // namespace

Outcome do_run(const Sweep& sweep, const PlannedRun& run, Threads& threads,
               const std::function<void(const Progress&)>& poll, std::shared_ptr<const Dataset>& data) {
  Timing timing{.started = time_now(), .finished = "", .host = host_name()};
  const auto start = WallClock::now();
  const double cpu = thread_cpu_s();
  Outcome made = attempt(sweep, run, threads, poll, data);
  timing.finished = time_now();
  timing.wall_s = since(start);
  timing.cpu_s = thread_cpu_s() - cpu;
  timing.peak_memory_bytes = peak_memory();
  timing.threads = threads.count();
  made.timing = timing;
  return made;
}

void do_runs(const SweepPlan& plan, StoreDispatcher& dispatcher, const RunnerOptions& options) {
  const int processors = options.threads > 0 ? options.threads : int(std::max(1u, std::thread::hardware_concurrency()));
  Threads pool(std::max(1, processors - options.jobs + 1));  // each job computes, too
  Jobs jobs(plan, options.jobs);
  std::mutex mutex;
  std::condition_variable ended;
  int active = options.jobs;
  std::exception_ptr error;
  std::atomic<bool> stop = false;

  const auto work = [&](std::size_t job) {
    try {
      single_threaded();
      std::shared_ptr<const Dataset> data;
      const auto poll = [&](const Progress& progress) {
        if (stop) throw Interrupted("by the user");
        jobs.at(job, progress);
      };
      while (const auto run = dispatcher.next()) {
        jobs.begin(job, *run);
        const Outcome outcome = do_run(plan.sweep, plan.runs[*run], pool, poll, data);
        jobs.end(job);
        dispatcher.finish(outcome);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
      stop = true;
    }
    if (stop) dispatcher.stop();
    const std::lock_guard lock(mutex);
    --active;
    ended.notify_all();
  };

  std::vector<std::thread> threads;
  for (int job = 0; job < options.jobs; ++job) threads.emplace_back(work, std::size_t(job));
  const auto start = WallClock::now();
  double renewed = 0;
  std::unique_lock lock(mutex);
  while (!ended.wait_for(lock, std::chrono::milliseconds(100), [&] { return active == 0; })) {
    lock.unlock();
    if (options.asked_to_stop() && !stop.exchange(true)) dispatcher.stop();
    options.told(jobs.progress(dispatcher, since(start)));
    if (since(start) - renewed > renewal_s) {
      renewed = since(start);
      try {
        dispatcher.renew();
      } catch (...) {
        const std::lock_guard again(mutex);
        if (!error) error = std::current_exception();
        stop = true;
      }
      if (stop) dispatcher.stop();
    }
    lock.lock();
  }
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace paceline
