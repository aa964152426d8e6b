// Plan: what a collective sends, in phases, without its single messages. It is what is simulated when messages are
// fused, what the closed form is reckoned from, and what bounds a collective from below:
//     seconds = Σ over phases of max over bursts (latency + the longest time of a link on the way),
//     bound   = max over links of (all bytes over it) / bandwidth,
// the time of a link being the phase's bytes over it / bandwidth. Without contention inside a phase the first is the
// closed form of the algorithm (Thakur et al. 2005).
#pragma once
#include <vector>

#include "sim/core/time.hpp"

namespace paceline {

class Communicator;

// All messages of a phase from one rank to another.
struct Burst {
  int from, to;  // ranks
  double bytes;
  Span latency;  // before the bytes flow: the latencies of all messages that follow one another
};
using Phase = std::vector<Burst>;  // at once
using Plan = std::vector<Phase>;   // one after the other

double seconds(const Plan& plan, const Communicator& group);
double lower_bound(const Plan& plan, const Communicator& group);

}  // namespace paceline
