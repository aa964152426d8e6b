// paceline validate FILE…: checks scenarios without running them; of several files all are checked.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sim/experiment/parse.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

struct Words {
  std::vector<std::string> files, assignments;
  bool json = false;
};

int validate(const Words& words) {
  auto report = nlohmann::ordered_json::array();
  int code = done;
  for (const std::string& file : words.files) {
    std::string error;
    std::vector<std::string> notes;
    try {
      notes = parse_scenario(file, words.assignments).notes;
    } catch (const ConfigError& found) {
      error = found.what();
      code = invalid;
    }
    report.push_back({{"file", file},
                      {"valid", error.empty()},
                      {"error", error.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(error)},
                      {"notes", notes}});
    if (words.json) continue;
    if (!error.empty()) fmt::print(stderr, "paceline: {}\n", error);
    else fmt::print("{}: valid\n", file);
    for (const std::string& note : notes) fmt::print("  note: {}\n", note);
  }
  if (words.json) fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  return code;
}

}  // namespace

Action validate_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("FILE", words->files, "scenarios")->required();
  app.add_option("--set", words->assignments, "KEY=VALUE, as for run")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  app.add_flag("--json", words->json, "prints one JSON document");
  return [words] { return validate(*words); };
}

}  // namespace paceline
