// A scenario run inside a test: its results, the rows of its steps.csv, and the parameters it ends with.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "sim/experiment/experiment.hpp"
#include "sim/experiment/parse.hpp"

namespace paceline::test {

struct Run {
  Results results;
  std::vector<std::map<std::string, std::string>> rows;  // of steps.csv, by column, in order of writing
  std::shared_ptr<const Values> parameters;
  std::string cost;  // cost.json, where the scenario records it

  double number(std::size_t row, const std::string& column) const { return std::stod(rows.at(row).at(column)); }
  // One column of one worker's rows, in order.
  std::vector<double> of_worker(int worker, const std::string& column) const;
};

// `scenario`: JSON text, or a path relative to the repository. `assignments` as of --set.
Run run(const std::string& scenario, const std::vector<std::string>& assignments = {}, int threads = 1);
Spec parse(const std::string& scenario, const std::vector<std::string>& assignments = {});

std::string path_of(const std::string& relative);  // in the repository
std::string read_text(const std::string& path);
// A folder of its own for this test, removed at the end of the process.
std::string scratch_folder();

}  // namespace paceline::test
