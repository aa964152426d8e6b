// Failure: what breaks, when, and for how long. Each entry of `cluster.failures` is a process of each device, host or
// link it names, with a stream of draws of its own; how training goes on is the affair of sim/strategies/recovery.
#pragma once
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "sim/core/engine.hpp"
#include "sim/core/random.hpp"
#include "sim/core/registry.hpp"

namespace paceline {

// What the process of one thing may do. It must sleep idly until it fails: nobody can be waiting for that; and not
// idly until it is repaired.
struct FailureControl {
  Engine& engine;
  int thing;  // worker; host, by its first worker; link
  Stream stream;
  std::function<void()> fail, repaired;
};

struct FailureMaker {
  enum class Of { workers, hosts, links };
  Of of = Of::workers;
  std::vector<int> workers{};                             // of workers, hosts: whose
  std::string link{};                                     // of links: the pattern of their names
  double mean = std::numeric_limits<double>::infinity();  // seconds between failures of one; infinite: a list
  std::function<Task<>(FailureControl)> run{};            // empty: it never fails
};

namespace failures {

const Registry<FailureMaker>& all();

// Fails after each of the times that `next(draw)` gives in seconds, and is repaired after `repair` seconds.
Task<> fail_again_and_again(FailureControl control, std::function<double(double u)> next, double repair);

// The keys "of", "workers" and "link".
void read_things(Reader& in, FailureMaker& maker);
double read_repair(Reader& in);

}  // namespace failures
}  // namespace paceline
