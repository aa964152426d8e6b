// Every example in a README runs: command lines of `build/paceline`, JSON, and C++ that must stand in the sources.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

struct Block {
  std::string file, language, text;
};

std::vector<Block> blocks_of(const std::string& language) {
  std::vector<Block> found;
  for (const std::string file :
       {"README.md", "sim/README.md", "models/README.md", "topologies/README.md", "scenarios/README.md",
        "scenarios/recipes/README.md", "tests/README.md", "tools/README.md"}) {
    std::istringstream text(read_text(path_of(file)));
    std::string line, inside;
    bool open = false;
    while (std::getline(text, line)) {
      if (!line.starts_with("```")) {
        if (open) inside += line + "\n";
      } else if (open) {
        open = false;
        found.push_back({file, language, inside});
      } else if (line == "```" + language) {
        open = true;
        inside.clear();
      } else if (line.size() > 3) {  // another language: skip to its end
        while (std::getline(text, line) && !line.starts_with("```")) {}
      }
    }
  }
  return found;
}

TEST(Readme, EveryCommandOfOursRuns) {
  const std::string out = scratch_folder();
  int commands = 0;
  for (const Block& block : blocks_of("sh")) {
    std::istringstream text(block.text);
    for (std::string line; std::getline(text, line);) {
      const std::string program = "build/paceline ";
      if (!line.starts_with(program)) continue;
      std::istringstream words(line.substr(program.size()));
      std::string verb, rest;
      words >> verb;
      std::getline(words, rest);
      for (std::size_t at = 0; (at = rest.find(" runs/", at)) != std::string::npos;) rest.replace(at, 5, " " + out);
      std::string command = "cd '" + path_of(".") + "' && '" + PACELINE_BINARY + "' " + verb + rest;
      if ((verb == "run" || verb == "sweep") && rest.find(" --out ") == std::string::npos) command += " --out " + out;
      if (verb == "run" || verb == "sweep") command += " --quiet";
      const int status = std::system((command + " > '" + out + "/stdout' 2>&1").c_str());
      const std::string said = read_text(out + "/stdout");
      const bool no_npm = verb == "report" && said.find("built without the report page") != said.npos;
      EXPECT_EQ(WEXITSTATUS(status), no_npm ? 1 : 0) << block.file << ": " << line << "\n" << said;
      ++commands;
    }
  }
  EXPECT_GE(commands, 10);
}

TEST(Readme, EveryScenarioAndTopologyInItParses) {
  int parsed = 0;
  for (const Block& block : blocks_of("json")) {
    const Node node = parse_document(block.text, block.file);
    if (node.find("kind")) {
      const std::string topology = "cluster.topology=" + node.dump();
      EXPECT_NO_THROW(
          parse_scenario(path_of("scenarios/bsp.json"), {"cluster.workers=2", "cluster.stragglers=[]", topology}))
          << block.file;
      ++parsed;
    } else if (node.find("extends")) {
      const std::string file = path_of("scenarios/.readme-example.json");
      std::ofstream(file) << block.text;
      EXPECT_NO_THROW(parse_scenario(file)) << block.file;
      std::filesystem::remove(file);
      ++parsed;
    }
  }
  EXPECT_GE(parsed, 2);
}

TEST(Readme, EveryPieceOfCodeInItStandsInTheSources) {
  std::string sources;
  for (const std::string folder : {"sim", "models", "topologies", "tools"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_of(folder)))
      if (entry.path().extension() == ".cpp" || entry.path().extension() == ".hpp")
        sources += read_text(entry.path().string());
  for (const Block& block : blocks_of("cpp"))
    EXPECT_NE(sources.find(block.text), std::string::npos) << block.file << ":\n" << block.text;
}

// The shares follow from events alone; when an accuracy is reached may differ by an evaluation or two on another
// processor.
TEST(Readme, TheTableOfStrategiesIsWhatTheScenariosGive) {
  const std::string readme = read_text(path_of("README.md"));
  for (const std::string name : {"first_run", "bsp"}) {
    const auto at = readme.find("| `scenarios/" + name + ".json`");
    ASSERT_NE(at, std::string::npos);
    std::string cell;
    std::vector<double> cells;
    std::istringstream row(readme.substr(at, readme.find('\n', at) - at));
    while (std::getline(row, cell, '|')) cells.push_back(std::strtod(cell.c_str(), nullptr));
    ASSERT_EQ(cells.size(), 9u);
    const Results results = run("scenarios/" + name + ".json", {"output.steps=false"}, 2).results;
    EXPECT_NEAR(results.time_to_accuracy_s.value(), cells[3], 0.25 * cells[3]);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(100 * results.fractions[i], cells[4 + i], 0.5);
    EXPECT_GE(results.curve.back().test_accuracy.value(), 0.85);
  }
}

}  // namespace
}  // namespace paceline::test
