// What a trace hears of a worker: nothing of it exists while nobody traces.
#include <algorithm>

#include "sim/strategies/server.hpp"
#include "sim/strategies/worker.hpp"

namespace paceline {

void Worker::tell(const char* what, std::int64_t number, Time until) {
  Timeline* const timeline = training_.timeline();
  if (!timeline) return;
  until = std::clamp(until, told_, training_.engine().now());
  timeline->span({.who = rank_, .what = what, .number = number, .step = row_.step, .from = told_, .until = until});
  told_ = until;
}

void Worker::tell_cut_off() {
  if (training_.timeline() && told_ < training_.engine().now()) tell("cut off", -1, training_.engine().now());
}

void Worker::tell_communication(const char* what, std::int64_t number, Time from, Time until, Time moving,
                                double bytes) const {
  if (Timeline* timeline = training_.timeline())
    timeline->span({.who = rank_,
                    .lane = SpanRow::Lane::communication,
                    .what = what,
                    .number = number,
                    .step = row_.step,
                    .from = from,
                    .until = until,
                    .moving = moving,
                    .bytes = bytes,
                    .activity = Activity::communication});
}

// The ways to the servers and back.
void Worker::tell_exchange() const {
  if (!training_.timeline()) return;
  const Time now = training_.engine().now();
  for (int s = 0; s < training_.shards(); ++s) {
    const Request& r = training_.server(s).queue().request(rank_);
    tell_communication("push", s, r.sent, std::min(r.arrived, now), r.sent, exchanged_each_);
    if (r.answered < now) tell_communication("pull", s, r.answered, std::min(r.received, now), r.answered, -1);
  }
}

// The first part comes after the forward, and after all of the batches before.
void Worker::tell_backward(const Gradient& gradient, std::size_t part) {
  if (!training_.timeline()) return;
  const Device& device = training_.cluster().device(rank_);
  const std::int64_t last = gradient.step + gradient.batches - 1;
  double done = 0;
  for (std::int64_t step = gradient.step; part == 0 && step <= last; ++step) {
    const StepCost cost = drawn(gradient, step);
    tell("forward", -1, device.reached(done + cost.forward));
    done += cost.forward + cost.backward;
    if (step < last) tell("backward", -1, device.reached(done));
  }
  tell("backward", parts_.size() < 2 ? -1 : std::int64_t(part), training_.engine().now());
}

void Worker::tell_step() const {
  if (Timeline* timeline = training_.timeline(); timeline && current_)
    timeline->span({.who = rank_,
                    .lane = SpanRow::Lane::step,
                    .what = "step",
                    .number = row_.step,
                    .step = row_.step,
                    .from = row_.start,
                    .until = training_.engine().now()});
}

void Worker::tell_blocked(Activity activity, Time until, int on) const {
  static constexpr const char* names[activities] = {"compute", "communication", "wait", "queue", "down"};
  Timeline* const timeline = training_.timeline();
  if (!timeline || activity == Activity::compute) return;
  timeline->span({.who = rank_,
                  .lane = SpanRow::Lane::blocked,
                  .what = names[std::size_t(activity)],
                  .on = activity == Activity::wait && on != rank_ ? on : nobody,
                  .step = row_.step,
                  .from = since_,
                  .until = until,
                  .activity = activity});
}

}  // namespace paceline
