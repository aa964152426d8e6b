// The summary table of a run, for people.
#include <fmt/format.h>

#include <algorithm>

#include "sim/core/units.hpp"
#include "sim/experiment/results.hpp"

namespace paceline {
namespace {

constexpr std::size_t bar_width = 40;
constexpr std::size_t shown_workers = 16;

std::string percent(double fraction) { return fmt::format("{:.1f} %", 100 * fraction); }
std::string value(std::optional<double> number, int digits = 4) {
  return number ? fmt::format("{:.{}f}", *number, digits) : "-";
}

// A worker's time as a bar: # compute, ~ communication, . wait, q queue, x down.
std::string bar(const WorkerResult& worker, double time) {
  constexpr std::string_view letters = "#~.qx";
  std::string text;
  double until = 0;
  for (std::size_t a = 0; a < activities; ++a) {
    until += worker.seconds[a];
    const auto end = time > 0 ? std::min(bar_width, std::size_t(until / time * bar_width + 0.5)) : 0;
    if (end > text.size()) text.append(end - text.size(), letters[a]);
  }
  return text;
}

// Workers by share of some sum of seconds, the largest first: "worker 3 84 %, worker 1 9 %".
std::string largest(std::vector<std::pair<double, int>> seconds, double sum) {
  constexpr std::size_t shown = 3;
  constexpr double least = 0.005;  // would be shown as 0 %
  std::erase_if(seconds, [&](const auto& each) { return each.first < least * sum; });
  std::sort(seconds.begin(), seconds.end(), [](const auto& a, const auto& b) {
    return a.first > b.first || (a.first == b.first && a.second < b.second);
  });
  std::string text;
  for (std::size_t i = 0; i < std::min(shown, seconds.size()); ++i)
    text += fmt::format("{}worker {} {:.0f} %", i > 0 ? ", " : "", seconds[i].second, 100 * seconds[i].first / sum);
  return seconds.size() > shown ? text + ", …" : text;
}

// Of all wait.
std::string most_waited_for(const Results& r) {
  std::vector<std::pair<double, int>> blamed;
  double sum = 0;
  for (const WorkerResult& worker : r.workers) {
    if (worker.blamed_s > 0) blamed.emplace_back(worker.blamed_s, worker.worker);
    sum += worker.seconds[std::size_t(Activity::wait)];
  }
  return largest(std::move(blamed), sum);
}

// Of the run's time.
std::string critical_path(const Results& r) {
  constexpr std::string_view names[] = {"compute", "communication", "wait", "queue", "down"};
  std::vector<std::pair<double, int>> computed;
  for (const CriticalPath::Share& each : r.critical_path.workers)
    if (each.compute_s.value_or(0) > 0) computed.emplace_back(*each.compute_s, each.worker);
  const std::string workers = largest(std::move(computed), r.simulated_time_s);
  std::string text;
  for (std::size_t a = 0; a < activities; ++a) {
    if (r.critical_path.seconds[a] == 0) continue;
    text += fmt::format("{}{:.1f} % {}", text.empty() ? "" : ", ",
                        100 * r.critical_path.seconds[a] / r.simulated_time_s, names[a]);
    if (a == std::size_t(Activity::compute) && !workers.empty()) text += fmt::format(" ({})", workers);
  }
  return text;
}

}  // namespace

std::string summary_table(const Results& r, bool colour) {
  const std::string_view bold = colour ? "\x1b[1m" : "", dim = colour ? "\x1b[2m" : "", red = colour ? "\x1b[31m" : "",
                         plain = colour ? "\x1b[0m" : "";
  const auto share = [&](Activity activity) { return percent(r.fractions[std::size_t(activity)]); };
  const CurvePoint last = r.curve.empty() ? CurvePoint{} : r.curve.back();
  std::string out = fmt::format("\n{}{}{}   ended by {}: {}\n\n", bold, r.name, plain, r.reason, r.detail);
  const auto line = [&](std::string_view name, const std::string& text, std::string_view note = "") {
    out += fmt::format("  {:<24}{:>14}   {}{}{}\n", name, text, dim, note, plain);
  };
  line("simulated time", show_duration(r.simulated_time_s),
       fmt::format("{:.6g} steps, {} updates, {:.4g} epochs", r.steps, r.updates, r.epochs));
  line("throughput", r.simulated_time_s > 0 ? show_count(double(r.samples) / r.simulated_time_s) : "-",
       "samples per second");
  if (last.test_accuracy) {
    line("test accuracy", value(last.test_accuracy),
         fmt::format("best {}, test loss {}", value(r.best_test_accuracy), value(last.test_loss)));
  } else if (last.test_loss) {
    line("test loss", value(last.test_loss));
  }
  if (last.test_loss) line("train loss", value(last.train_loss), "mean since the point before");
  if (r.time_to_accuracy_s) line("time to accuracy", show_duration(*r.time_to_accuracy_s), "simulated");
  line("compute", share(Activity::compute), "of all workers' time");
  line("exposed communication", share(Activity::communication),
       fmt::format("blocked on moving bytes; {} hidden behind compute", percent(r.overlapped_fraction)));
  line("wait", share(Activity::wait), "blocked on other workers");
  if (r.fractions[std::size_t(Activity::wait)] > 0.01)
    if (const std::string blamed = most_waited_for(r); !blamed.empty()) line("waited for", "", blamed);
  line("queue", share(Activity::queue), "blocked at a server");
  if (r.failures.failures + r.failures.checkpoints > 0) {
    const FailureCounts& f = r.failures;
    line("goodput", percent(r.goodput),
         fmt::format("of all workers' time; {} down", percent(r.fractions[std::size_t(Activity::down)])));
    line("failures", fmt::format("{}", f.failures),
         fmt::format("of devices; all went down {} times, {} batches lost", f.rollbacks, f.lost_batches));
    if (f.interval > 0)
      line("checkpoints", fmt::format("{}", f.checkpoints),
           fmt::format("one after {} of training", show_duration(f.interval)));
  }
  line("load imbalance", percent(r.load_imbalance), "busiest worker over the mean");
  if (r.simulated_time_s > 0) line("critical path", "", critical_path(r));
  line("on the wire", show_bytes(r.bytes_on_wire), "payload, counted once");
  for (const CollectiveResult& c : r.collectives)
    line(
        "collectives", show_count(double(c.calls)),
        fmt::format("{} of {} by {}, {}", c.operation, show_bytes(c.bytes / double(c.calls)), c.algorithm, c.fidelity));
  if (r.background_bytes > 0)
    line("background traffic", show_bytes(r.background_bytes), "of others, on the same links");
  if (r.rerouted + r.held > 0)
    line("links down", fmt::format("{}", r.rerouted + r.held),
         fmt::format("transfers met one: {} took a detour, {} waited", r.rerouted, r.held));
  line("staleness", fmt::format("{:.2f}", r.staleness.mean),
       fmt::format("mean; median {}, 95 % {}, largest {}", r.staleness.p50, r.staleness.p95, r.staleness.max));
  if (r.dropped + r.cancelled > 0)
    line("in vain", fmt::format("{}", r.dropped + r.cancelled),
         fmt::format("batches: {} dropped when complete, {} cancelled before", r.dropped, r.cancelled));

  out += fmt::format("\n  worker    batches   {:<{}}  {}# compute  ~ communication  . wait  q queue  x down{}\n",
                     "time", bar_width, dim, plain);
  for (std::size_t w = 0; w < r.workers.size(); ++w) {
    if (r.workers.size() > shown_workers && w >= shown_workers / 2 && w < r.workers.size() - shown_workers / 2) {
      if (w == shown_workers / 2)
        out += fmt::format("  {}… {} more in workers.csv{}\n", dim, r.workers.size() - shown_workers, plain);
      continue;
    }
    const WorkerResult& worker = r.workers[w];
    out += fmt::format("  {:>6} {:>10}   {:<{}}  {:>5.1f} % compute\n", worker.worker, worker.steps,
                       bar(worker, r.simulated_time_s), bar_width,
                       r.simulated_time_s > 0 ? 100 * worker.seconds[0] / r.simulated_time_s : 0);
  }
  std::vector<const LinkResult*> busiest;
  for (const LinkResult& link : r.links)
    if (link.bytes > 0) busiest.push_back(&link);
  const std::size_t shown = std::min<std::size_t>(3, busiest.size());
  std::partial_sort(busiest.begin(), busiest.begin() + std::ptrdiff_t(shown), busiest.end(),
                    [](const LinkResult* a, const LinkResult* b) { return a->utilization > b->utilization; });
  if (shown > 0) out += fmt::format("\n  busiest links\n");
  for (std::size_t i = 0; i < shown; ++i)
    out += fmt::format("    {:<24}{:>12}   {} of its capacity\n", busiest[i]->name, show_bytes(busiest[i]->bytes),
                       percent(busiest[i]->utilization));

  const auto failed = std::count_if(r.checks.begin(), r.checks.end(), [](const Check& c) { return !c.holds; });
  out += fmt::format("\n  self-checks: {} of {} hold\n", r.checks.size() - std::size_t(failed), r.checks.size());
  for (const Check& check : r.checks)
    out += fmt::format("    {}{}{} {} {}({}){}\n", check.holds ? "" : red, check.holds ? "ok  " : "FAIL", plain,
                       check.name, dim, check.detail, plain);
  out += fmt::format("\n  {}{} events in {} ({} a second), {} gradients, {} threads{}\n", dim,
                     show_count(double(r.performance.events)), show_duration(r.performance.wall_s),
                     show_count(double(r.performance.events) / std::max(r.performance.wall_s, 1e-9)),
                     show_count(double(r.performance.gradients)), r.performance.threads, plain);
  return out;
}

}  // namespace paceline
