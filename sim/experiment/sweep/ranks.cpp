#include "sim/experiment/sweep/ranks.hpp"

#include <fmt/format.h>

#include <thread>

#include "models/model.hpp"
#include "sim/experiment/experiment.hpp"

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const PlannedRun& run) {
  return {{"position", run.position}, {"seed", run.seed}, {"indices", run.indices},
          {"axes", run.axes},         {"hash", run.hash}, {"name", run.name}};
}

PlannedRun run_from(const Json& json) {
  PlannedRun run;
  run.position = json.at("position");
  run.seed = json.at("seed");
  run.indices = json.at("indices").get<std::vector<std::size_t>>();
  run.axes = json.at("axes");
  run.hash = json.at("hash");
  run.name = json.at("name");
  return run;
}

// Asks rank 0, for the jobs of this process.
class Remote {
 public:
  explicit Remote(Transport& transport) : transport_(transport) {}

  std::optional<PlannedRun> next() {
    const std::lock_guard lock(mutex_);
    if (over_) return {};
    transport_.send(0, Json{{"ask", true}}.dump());
    const Json answer = Json::parse(transport_.receive().second);
    over_ = !answer.contains("run");
    if (over_) return {};
    return run_from(answer["run"]);
  }
  void finish(const Outcome& outcome) {
    const std::lock_guard lock(mutex_);
    transport_.send(0, Json{{"outcome", to_json(outcome)}}.dump(-1, ' ', false, Json::error_handler_t::replace));
  }

 private:
  std::mutex mutex_;
  Transport& transport_;
  bool over_ = false;
};

}  // namespace

void serve_ranks(const SweepPlan& plan, Dispatcher& dispatcher, Transport& transport, bool& served) {
  std::exception_ptr error;
  const auto guarded = [&](const std::function<void()>& work) {
    if (error) return;
    try {
      work();
    } catch (...) { error = std::current_exception(); }
  };
  for (int here = transport.size() - 1; here > 0;) {
    const auto [from, text] = transport.receive();
    const Json message = Json::parse(text);
    if (message.contains("left")) {
      --here;
      if (const std::string wrong = message["left"]; !wrong.empty())
        guarded([&, at = from] { throw RunError(fmt::format("rank {}: {}", at, wrong)); });
    } else if (message.contains("outcome")) {
      guarded([&] { dispatcher.finish(outcome_from(message["outcome"])); });
    } else {
      std::optional<std::size_t> run;
      guarded([&] { run = dispatcher.try_next(); });
      transport.send(from, run ? Json{{"run", to_json(plan.runs[*run])}}.dump() : "{}");
    }
  }
  served = true;
  if (error) std::rethrow_exception(error);
}

void dismiss_ranks(Transport& transport) {
  class Nothing final : public Dispatcher {
    std::optional<std::size_t> next() override { return {}; }
    std::optional<std::size_t> try_next() override { return {}; }
    void finish(const Outcome&) override {}
  } nothing;
  bool served = false;
  try {
    serve_ranks({}, nothing, transport, served);
  } catch (const RunError&) {  // rank 0 has an error of its own to tell
  }
}

void do_runs_of_rank_0(const Sweep& sweep, Transport& transport, const RunnerOptions& options) {
  Remote remote(transport);
  const int processors = options.threads > 0 ? options.threads : options.jobs;
  Threads pool(std::max(1, processors - options.jobs + 1));  // each job computes, too
  const auto work = [&] {
    single_threaded();
    std::shared_ptr<const Dataset> data;
    const auto poll = [&](const Progress&) {
      if (options.asked_to_stop()) throw Interrupted("by the user");
    };
    while (!options.asked_to_stop()) {
      const std::optional<PlannedRun> run = remote.next();
      if (!run) break;
      remote.finish(do_run(sweep, *run, pool, poll, data));
    }
  };
  std::vector<std::exception_ptr> errors(std::size_t(options.jobs));
  std::vector<std::thread> jobs;
  for (std::exception_ptr& error : errors)
    jobs.emplace_back([&work, &error] {
      try {
        work();
      } catch (...) { error = std::current_exception(); }
    });
  for (std::thread& job : jobs) job.join();
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

void leave_ranks(Transport& transport, const std::string& error) {
  transport.send(0, Json{{"left", error}}.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace paceline
