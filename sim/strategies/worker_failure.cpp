// What a failure of its device does to a worker, and how it comes back.
#include <algorithm>

#include "sim/strategies/server.hpp"
#include "sim/strategies/worker.hpp"

namespace paceline {

Span Worker::fail() {
  const auto lost = [](const Gradient& gradient) {
    return gradient.fate == Gradient::Fate::under_way && !gradient.at_server;
  };
  const bool loses = current_ && lost(*current_);
  const Span spent = loses ? training_.engine().now() - row_.start : Span{0};
  if (loses) {
    steps_ = current_->step;
    training_.failures().lost_batches += current_->batches;
    training_.failures().lost_samples += current_->samples;
  }
  for (int s = 0; s < training_.shards() && exchanged_; ++s) resumes_ |= training_.server(s).took(*exchanged_);
  for (int s = 0; s < training_.shards(); ++s)
    training_.server(s).cut_off(rank_, resumes_ ? exchanged_.get() : nullptr);
  for (auto& [gradient, row] : closed_)
    if (lost(*gradient)) training_.dropped(*gradient);
  if (current_ && lost(*current_)) {
    if (current_->computed_on_device) training_.dropped(*current_);
    else training_.cancelled(*current_);
  }
  close_row();
  return spent;
}

void Worker::go_back(std::int64_t step, std::int64_t through, std::int64_t samples) {
  steps_ = step;
  through_steps_ = through;
  samples_ = samples;
  parts_.clear();
}

// What some servers took before the failure the others are sent again; a server that holds an answer to it gives it in
// its time, others answer at once.
Task<Parameters> Worker::pull() {
  const Spending spending(*this, Activity::communication);
  const int shards = training_.shards();
  newest_.assign(std::size_t(shards), Version{-1, nullptr});
  coming_.assign(std::size_t(shards), {});
  for (int s = 0; s < shards; ++s) {
    Server& server = training_.server(s);
    server.reconnect(rank_);
    if (resumes_ && !server.took(*exchanged_)) server.send(exchanged_, exchanged_each_);
    else if (!(resumes_ && server.owes(rank_))) server.answer_anyhow(rank_);
  }
  const auto complete = [this] {
    return std::all_of(newest_.begin(), newest_.end(), [](const Version& shard) { return shard.number >= 0; });
  };
  while (!complete()) co_await answers_.reach(answers_.count() + 1);
  exchanged_.reset();
  resumes_ = false;
  pulled_ = take_newest();
  co_return pulled_;
}

}  // namespace paceline
