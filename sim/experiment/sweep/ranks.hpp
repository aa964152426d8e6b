// A sweep over many processes: rank 0 owns the store and hands out runs, one at a time, to whoever asks; the others do
// them and send what came out. Rank 0 does runs, too. Texts are JSON:
//   {"ask": true}        -> {"run": {…}}, or {} when all have been given out
//   {"outcome": {…}}     no answer
//   {"left": "error"}    no answer: a rank has nothing more to say, but what went wrong there, or ""
#pragma once
#include "sim/experiment/sweep/dispatcher.hpp"
#include "sim/experiment/sweep/runner.hpp"
#include "sim/experiment/sweep/transport.hpp"

namespace paceline {

// Rank 0's side. A rank that asks while other processes do what is left is told that there is no more: rank 0 itself
// waits for those. Returns when every other rank has been told that all is given out, has sent its outcomes and has
// left; then `served` is set. Where the store fails, the others are told that there is no more, and it throws at the
// end; so it does, RunError, with what went wrong at another rank.
void serve_ranks(const SweepPlan& plan, Dispatcher& dispatcher, Transport& transport, bool& served);
// The same without any run, where rank 0 cannot go on.
void dismiss_ranks(Transport& transport);

// The side of the others: `jobs` runs at a time, until there are no more; then they leave.
void do_runs_of_rank_0(const Sweep& sweep, Transport& transport, const RunnerOptions& options);
void leave_ranks(Transport& transport, const std::string& error);

}  // namespace paceline
