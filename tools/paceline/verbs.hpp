// The verbs of the command line: one file each, one line in main.cpp. A verb adds its options to the command line and
// returns what to call when it is chosen; that returns the exit code.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>

namespace paceline {

// Interface, section 1.
enum ExitCode { done = 0, failed = 1, usage = 2, invalid = 3, deadlock = 4, limit = 5, interrupted = 130 };

using Action = std::function<int()>;

Action run_verb(CLI::App& app);
Action sweep_verb(CLI::App& app);
Action merge_verb(CLI::App& app);
Action compare_verb(CLI::App& app);
Action trace_verb(CLI::App& app);
Action what_if_verb(CLI::App& app);
Action report_verb(CLI::App& app);
Action validate_verb(CLI::App& app);
Action draw_verb(CLI::App& app);
Action list_verb(CLI::App& app);
Action explain_verb(CLI::App& app);
Action schema_verb(CLI::App& app);
Action bench_collective_verb(CLI::App& app);
Action import_chakra_verb(CLI::App& app);
Action import_profile_verb(CLI::App& app);
Action import_topology_verb(CLI::App& app);
Action calibrate_verb(CLI::App& app);

// A verb was called with words that make no sense: exit code 2.
struct UsageError : std::runtime_error {
  using runtime_error::runtime_error;
};

}  // namespace paceline
