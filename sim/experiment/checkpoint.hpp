// Checkpoint of the simulator itself: with it a run that was interrupted goes on to the same bits.
//
// Processes cannot be written to a file. But events are a function of the scenario and of what numbers tell them, the
// journal (see journal.hpp), and cost little beside the numbers. So a checkpoint is a count of events, the fingerprint
// there, the journal so far, and all arrays of numbers that were alive. To resume is to run the events once more up to
// that count, with gradients played from the journal, to compare the fingerprint, and to fill the arrays, which the
// ledger tells apart (see ledger.hpp).
#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "sim/core/engine.hpp"
#include "sim/core/ledger.hpp"
#include "sim/strategies/gradient_pool.hpp"

namespace paceline {

class Checkpoints {
 public:
  // Written to `path`; the scenario's hash goes with them.
  Checkpoints(std::string path, std::string hash, Engine& engine, GradientPool& pool, Ledger& ledger);
  ~Checkpoints();
  Checkpoints(const Checkpoints&) = delete;

  // Begins where the checkpoint in the file is. Throws RunError when it is not of this scenario and version.
  void resume();
  // Events up to there are being run once more.
  bool is_playing() const { return target_ != nullptr; }
  std::uint64_t target() const;  // the events of that checkpoint
  // After every event while it plays: whether it has come to the end of that. Throws RunError when the run has become
  // another.
  bool arrive();

  // Seconds of wall time since the latest, or the beginning.
  double age() const;
  void write();
  void remove() const;

 private:
  struct Saved;
  void fill() const;

  std::string path_, hash_;
  Engine& engine_;
  GradientPool& pool_;
  Ledger& ledger_;
  Journal journal_;
  std::unique_ptr<Saved> target_;
  std::chrono::steady_clock::time_point latest_ = std::chrono::steady_clock::now();
};

}  // namespace paceline
