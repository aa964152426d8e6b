// Straggler: what slows some workers down: a process that changes the speed of their devices, or a rule that strikes
// single steps. Any number; their factors multiply. Each draws from a stream of its own for every worker, so that
// one more changes nothing of another.
#pragma once
#include <functional>
#include <vector>

#include "sim/core/engine.hpp"
#include "sim/core/random.hpp"
#include "sim/core/registry.hpp"

namespace paceline {

// The draws of one straggler: number `entry` of the list.
class StragglerDraws {
 public:
  StragglerDraws(std::uint64_t seed, std::uint64_t entry) : seed_(splitmix64(seed ^ splitmix64(entry))) {}
  Stream of(int worker) const { return Stream(seed_, "straggler", std::uint64_t(worker)); }

 private:
  std::uint64_t seed_;
};

// What a straggler's process may do. It must sleep idly: nobody can be waiting for a change of speed.
struct StragglerWorld {
  Engine& engine;
  int workers;
  StragglerDraws draws;
  std::function<void(int worker, double factor)> slow;  // puts a factor on a worker's durations from now on
};

struct StragglerMaker {
  // The process. Empty: there is none.
  std::function<Task<>(StragglerWorld)> run{};
  // The seconds that a worker's step takes which would have taken `seconds`. Empty: it leaves single steps alone.
  std::function<double(const StragglerDraws&, int worker, std::int64_t step, double seconds)> strike{};
};

namespace stragglers {

const Registry<StragglerMaker>& all();

// A process that does something for each of some workers, side by side.
using OnWorker = std::function<Task<>(const StragglerWorld& world, int worker)>;
Task<> on_each(StragglerWorld world, std::vector<int> workers, OnWorker process);

// Keys that most kinds have.
std::vector<int> read_slowed(Reader& in);  // "workers"; left out: all
double read_factor(Reader& in);            // "factor"

}  // namespace stragglers
}  // namespace paceline
