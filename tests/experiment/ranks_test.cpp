// A sweep over ranks, within one process: threads that exchange texts through queues, in place of MPI.
#include "sim/experiment/sweep/ranks.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <thread>

#include "sim/experiment/parse.hpp"
#include "sim/experiment/sweep/store.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

class Post {
 public:
  explicit Post(int ranks) : boxes_(std::size_t(ranks)) {}
  void send(int from, int to, const std::string& text) {
    const std::lock_guard lock(mutex_);
    boxes_[std::size_t(to)].emplace_back(from, text);
    wake_.notify_all();
  }
  std::pair<int, std::string> receive(int rank) {
    std::unique_lock lock(mutex_);
    auto& box = boxes_[std::size_t(rank)];
    wake_.wait(lock, [&] { return !box.empty(); });
    auto first = box.front();
    box.pop_front();
    return first;
  }
  int ranks() const { return int(boxes_.size()); }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::deque<std::pair<int, std::string>>> boxes_;
};

class PostTransport final : public Transport {
 public:
  PostTransport(Post& post, int rank) : post_(post), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return post_.ranks(); }
  void send(int to, const std::string& text) override { post_.send(rank_, to, text); }
  std::pair<int, std::string> receive() override { return post_.receive(rank_); }

 private:
  Post& post_;
  int rank_;
};

Sweep small_sweep() {
  const std::string text = fmt::format(R"({{
    "scenario": {{"extends": "{}", "training": {{"stop": {{"steps": 3}}}}}},
    "axes": {{"workload.batch_size": [1, 2, 3, 4, 5], "cluster.workers": [1, 2, 0]}}, "seeds": 2}})",
                                       path_of("tests/data/scenarios/timing.json"));
  return read_sweep(parse_document(text, "ranks.json"), "ranks");
}

// Hands out all runs of a plan, in order.
class Listed final : public Dispatcher {
 public:
  explicit Listed(const SweepPlan& plan) {
    for (std::size_t i = 0; i < plan.runs.size(); ++i)
      if (plan.runs[i].error.empty()) left_.push_back(i);
  }
  std::optional<std::size_t> next() override {
    if (left_.empty()) return {};
    const std::size_t run = left_.front();
    left_.pop_front();
    return run;
  }
  std::optional<std::size_t> try_next() override { return next(); }
  void finish(const Outcome& outcome) override {
    if (breaks) throw RunError("the disk is full");
    outcomes[outcome.hash] = to_json(outcome);
    outcomes[outcome.hash].erase("timing");
  }
  std::map<std::string, nlohmann::ordered_json> outcomes;
  bool breaks = false;

 private:
  std::deque<std::size_t> left_;
};

void run_on(int ranks, int jobs, const SweepPlan& plan, Dispatcher& dispatcher) {
  Post post(ranks);
  std::vector<std::thread> others;
  for (int rank = 1; rank < ranks; ++rank)
    others.emplace_back([&post, &plan, rank, jobs] {
      PostTransport transport(post, rank);
      do_runs_of_rank_0(plan.sweep, transport,
                        {.jobs = jobs, .threads = 1, .told = {}, .asked_to_stop = [] { return false; }});
      leave_ranks(transport, "");
    });
  PostTransport transport(post, 0);
  std::exception_ptr error;
  try {
    bool served = false;
    serve_ranks(plan, dispatcher, transport, served);
  } catch (...) { error = std::current_exception(); }
  for (std::thread& each : others) each.join();
  if (error) std::rethrow_exception(error);
}

TEST(Ranks, DoEveryRunOnceToTheSameOutcome) {
  const SweepPlan plan = make_plan(small_sweep());
  ASSERT_EQ(plan.runs.size(), 30u);
  Listed one(plan), many(plan);
  run_on(2, 1, plan, one);
  run_on(5, 2, plan, many);
  EXPECT_EQ(one.outcomes.size(), 20u);  // no workers is no scenario
  EXPECT_EQ(one.outcomes, many.outcomes);
}

TEST(Dispatcher, GivesOutAgainWhatWasGivenBack) {
  const SweepPlan plan = make_plan(small_sweep());
  Store store(scratch_folder() + "/sweep.sqlite");
  store.add(plan);
  StoreDispatcher dispatcher(plan, store);
  std::set<std::size_t> given;
  const auto first = dispatcher.next();
  dispatcher.finish({.hash = plan.runs[*first].hash, .state = RunState::waiting});
  while (const auto run = dispatcher.try_next()) EXPECT_TRUE(given.insert(*run).second);
  EXPECT_EQ(given.size(), 20u);
  EXPECT_TRUE(given.contains(*first));
}

TEST(Ranks, EndWhenTheStoreBreaks) {
  const SweepPlan plan = make_plan(small_sweep());
  Listed broken(plan);
  broken.breaks = true;
  EXPECT_THROW(run_on(3, 2, plan, broken), RunError);
}

}  // namespace
}  // namespace paceline::test
