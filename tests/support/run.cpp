#include "tests/support/run.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace paceline::test {
namespace {

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  for (char letter : line) {
    if (letter == ',') cells.emplace_back();
    else cells.back() += letter;
  }
  return cells;
}

struct Scratch {
  Scratch() : path(std::filesystem::temp_directory_path() / ("paceline-test-" + std::to_string(getpid()))) {}
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
  int next = 0;
};

}  // namespace

std::vector<double> Run::of_worker(int worker, const std::string& column) const {
  std::vector<double> values;
  for (const auto& row : rows)
    if (row.at("worker") == std::to_string(worker)) values.push_back(std::stod(row.at(column)));
  return values;
}

std::string path_of(const std::string& relative) { return PACELINE_SOURCE_DIR "/" + relative; }

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot open " + path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string scratch_folder() {
  static Scratch scratch;
  const auto folder = scratch.path / std::to_string(scratch.next++);
  std::filesystem::create_directories(folder);
  return folder.string();
}

Spec parse(const std::string& scenario, const std::vector<std::string>& assignments) {
  if (scenario.find('{') == std::string::npos) return parse_scenario(path_of(scenario), assignments);
  return parse_scenario(parse_document(scenario, "test.json"), "test", assignments);
}

Run run(const std::string& scenario, const std::vector<std::string>& assignments, int threads) {
  const Spec spec = parse(scenario, assignments);
  Threads pool(threads);
  Experiment experiment(spec, pool);
  const std::string file = spec.write_steps ? scratch_folder() + "/steps.csv" : "";
  const std::string cost = spec.record_cost ? scratch_folder() + "/cost.json" : "";
  Run made;
  made.results = experiment.run({.files = {.steps = file, .cost = cost}, .max_events = 0, .poll = {}});
  made.parameters = experiment.parameters();
  if (!cost.empty()) made.cost = read_text(cost);
  if (file.empty()) return made;
  std::istringstream text(read_text(file));
  std::string line;
  std::getline(text, line);
  const std::vector<std::string> header = cells_of(line);
  while (std::getline(text, line)) {
    const std::vector<std::string> cells = cells_of(line);
    auto& row = made.rows.emplace_back();
    for (std::size_t i = 0; i < header.size(); ++i) row[header[i]] = cells.at(i);
  }
  std::filesystem::remove_all(std::filesystem::path(file).parent_path());
  return made;
}

}  // namespace paceline::test
