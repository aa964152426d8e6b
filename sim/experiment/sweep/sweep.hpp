// Sweep: a sweep file that has been read. Its runs are the combinations of its axes' values, each with every seed.
#pragma once
#include <string>
#include <vector>

#include "sim/core/reader.hpp"
#include "sim/experiment/expression.hpp"
#include "sim/experiment/sweep/axes.hpp"

namespace paceline {

struct Sweep {
  std::string name;
  Node scenario;              // what all runs have in common
  std::string scenario_name;  // where that has no name
  std::vector<Axis> axes;
  bool zip = false;                  // values of one index go together; otherwise all combinations
  std::vector<std::uint64_t> seeds;  // at least one
  std::vector<Expression> where;
  std::string baseline;  // JSON, or ""
  std::string resolved;  // the file as JSON, with all that it and its scenario extend
};

// Reads a sweep file and assignments KEY=VALUE on its scenario. Throws ConfigError.
Sweep read_sweep(const std::string& path, const std::vector<std::string>& assignments = {});
Sweep read_sweep(Node document, const std::string& name, const std::vector<std::string>& assignments = {});

// Whether a document is a sweep, not a scenario.
bool is_sweep(const Node& document);

// The keys of a sweep file.
Description describe_sweep();

// The combinations of the axes' values: for each of them an index by axis. The last axis changes fastest.
std::vector<std::vector<std::size_t>> combinations(const Sweep& sweep);
// The scenario of one of them, not yet read.
Node scenario_of(const Sweep& sweep, const std::vector<std::size_t>& indices, std::uint64_t seed);

}  // namespace paceline
