// Store: the runs of a sweep in one SQLite file (WAL), a transaction for each that is given out and for each that has
// ended. Several processes may work on one: a run is claimed before it is done, and a claim holds while its process
// lives: on this host that can be seen, of other hosts it must be renewed every few seconds (table owners). What is
// deterministic is in sweep, summary, curve and workers, and in the first columns of runs; see tools/README.md.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/experiment/sweep/database.hpp"
#include "sim/experiment/sweep/outcome.hpp"
#include "sim/experiment/sweep/plan.hpp"

namespace paceline {

constexpr int store_version = 1;  // PRAGMA user_version
constexpr double lease_s = 60;    // of a claim of another host since it was renewed
constexpr double renewal_s = 10;

// Throws ConfigError for what is no store, or a newer one. An empty file may become one.
void check_store(Database& database);

class Store {
 public:
  // Opens a file, or makes it. Throws ConfigError for one that is something else, corrupt or newer, RunError where it
  // cannot be written.
  explicit Store(const std::string& path);
  ~Store();

  // Writes down what is to be done; what is done already stays.
  void add(const SweepPlan& plan);
  // Failed runs wait again.
  void retry_failed();

  std::map<std::string, RunState> states();  // by hash
  RunState state_of(const std::string& hash);
  bool claim(const std::string& hash);  // whether it was waiting
  // Of a run that this process has claimed; else nothing is written. Waiting: its claim is given back.
  void finish(const Outcome& outcome);
  void renew();      // this process' claims
  void take_back();  // the claims of dead processes
  // All claims of this process, which is about to end.
  void leave();

  Database& database() { return database_; }

 private:
  struct Statements;
  void create();
  void add_columns();

  Database database_;
  std::string owner_;
  std::unique_ptr<Statements> statements_;
};

}  // namespace paceline
