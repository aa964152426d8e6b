#include "sim/experiment/sweep/dispatcher.hpp"

#include <algorithm>
#include <chrono>

namespace paceline {
namespace {

constexpr auto look_again = std::chrono::milliseconds(300);

}  // namespace

StoreDispatcher::StoreDispatcher(const SweepPlan& plan, Store& store) : plan_(plan), store_(store) {
  store_.renew();
  store_.take_back();
  const std::map<std::string, RunState> states = store_.states();
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    const auto found = states.find(plan.runs[i].hash);
    const RunState state = found == states.end() ? RunState::waiting : found->second;
    if (state == RunState::done) ++counts_.done;
    else if (state == RunState::failed) ++counts_.failed;
    else waiting_.push_back(i);
  }
  std::stable_sort(waiting_.begin(), waiting_.end(),
                   [&](std::size_t a, std::size_t b) { return plan.runs[a].seconds > plan.runs[b].seconds; });
}

// What it had claimed waits again, also where an error ended the sweep.
StoreDispatcher::~StoreDispatcher() {
  try {
    store_.leave();
  } catch (const std::exception&) {  // the disk is full: the next process takes them back
  }
}

std::optional<std::size_t> StoreDispatcher::next() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (const auto run = claim_next()) return run;
    if (waiting_.empty()) return {};
    wake_.wait_for(lock, look_again);
    if (!stopped_) store_.take_back();
  }
  return {};
}

std::optional<std::size_t> StoreDispatcher::try_next() {
  const std::lock_guard lock(mutex_);
  return stopped_ ? std::nullopt : claim_next();
}

// Those that are done elsewhere are left out from here on; those that are being done there stay.
std::optional<std::size_t> StoreDispatcher::claim_next() {
  counts_.elsewhere = 0;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const std::size_t run = *at;
    if (store_.claim(plan_.runs[run].hash)) {
      waiting_.erase(at);
      return run;
    }
    const RunState state = store_.state_of(plan_.runs[run].hash);
    if (state == RunState::running || state == RunState::waiting) {
      ++counts_.elsewhere;
      ++at;
      continue;
    }
    ++(state == RunState::done ? counts_.done : counts_.failed);
    at = waiting_.erase(at);
  }
  return {};
}

void StoreDispatcher::finish(const Outcome& outcome) {
  const std::lock_guard lock(mutex_);
  store_.finish(outcome);
  if (outcome.state == RunState::done) ++counts_.done;
  if (outcome.state == RunState::failed) ++counts_.failed;
  if (outcome.state != RunState::waiting || stopped_) return;
  const auto at = std::find_if(plan_.runs.begin(), plan_.runs.end(),
                               [&](const PlannedRun& run) { return run.hash == outcome.hash; });
  waiting_.push_back(std::size_t(at - plan_.runs.begin()));
  wake_.notify_all();
}

void StoreDispatcher::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  wake_.notify_all();
}

void StoreDispatcher::renew() {
  const std::lock_guard lock(mutex_);
  store_.renew();
}

StoreDispatcher::Counts StoreDispatcher::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

double StoreDispatcher::seconds_left() const {
  const std::lock_guard lock(mutex_);
  double sum = 0;
  for (const std::size_t run : waiting_) sum += plan_.runs[run].seconds;
  return sum;
}

}  // namespace paceline
