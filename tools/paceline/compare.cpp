// paceline compare RUN|SWEEP…: runs side by side, with intervals over their seeds, see sim/experiment/compare/.
#include <fmt/format.h>

#include "sim/experiment/compare/comparison.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

struct Words {
  std::vector<std::string> paths;
  compare::Options options;
  bool json = false, csv = false;
};

int compare_runs(const Words& words) {
  const compare::Comparison made = compare::comparison_of(compare::read_runs(words.paths), words.options);
  const std::string text = words.json ? to_json(made) : words.csv ? to_csv(made) : to_text(made);
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (!words.json)
    for (const std::string& note : made.notes) fmt::print(stderr, "note: {}\n", note);
  return done;
}

}  // namespace

Action compare_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("RUN", words->paths, "folders of runs, of sweeps, or sweep.sqlite files")->required();
  app.add_option("--accuracy", words->options.accuracy,
                 "to count time and bytes to; by default where the scenarios stop, or the highest that all reach")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--baseline", words->options.baseline,
                 "KEY=VALUE of an axis; by default the sweep's, or the first configuration")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  CLI::Option* json = app.add_flag("--json", words->json, "prints one JSON document");
  app.add_flag("--csv", words->csv, "prints CSV, a row per configuration")->excludes(json);
  return [words] { return compare_runs(*words); };
}

}  // namespace paceline
