// paceline calibrate MEASURED: figures of a topology from a log of nccl-tests, or keys of a scenario from a table of
// what was measured, by least squares; and what is left of each measurement.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sim/core/units.hpp"
#include "sim/experiment/calibrate/fits.hpp"
#include "sim/experiment/csv.hpp"
#include "sim/experiment/import/nccl_log.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

struct Words {
  std::string measured, topology, scenario, out, smallest = "1MiB";
  std::vector<std::string> keys{"cluster.device.efficiency"};
  LogOptions log;
  bool json = false, quiet = false;
};

nlohmann::ordered_json json_of(const Fitted& fitted) {
  nlohmann::ordered_json knobs = nlohmann::ordered_json::array(), rows = nlohmann::ordered_json::array();
  for (const Knob& knob : fitted.made.knobs)
    knobs.push_back({{"key", knob.key},
                     {"value", knob.value},
                     {"standard_error", knob.standard_error},
                     {"told", knob.told},
                     {"at_bound", knob.at_bound}});
  for (std::size_t i = 0; i < fitted.measured.size(); ++i)
    rows.push_back({{"case", fitted.labels[i]},
                    {"measured", fitted.measured[i]},
                    {"fitted", fitted.made.model[i]},
                    {"error", fitted.made.model[i] / fitted.measured[i] - 1}});
  return {{"name", fitted.name},
          {"algorithm", fitted.by},
          {"found", fitted.made.found},
          {"fitted", knobs},
          {"mean_error", fitted.made.mean_error(fitted.measured)},
          {"largest_error", fitted.made.largest_error(fitted.measured)},
          {"rows", rows}};
}

void print(const Fitted& fitted) {
  fmt::print("# {}{}\n", fitted.name, fitted.by.empty() ? "" : ", as " + fitted.by);
  for (const Knob& knob : fitted.made.knobs) {
    Knob error = knob;
    error.value = knob.standard_error;
    if (!knob.told) fmt::print("  {:<28} {:>12}   not told apart by these measurements\n", knob.key, knob.show());
    else if (knob.at_bound) fmt::print("  {:<28} {:>12}   at its bound\n", knob.key, knob.show());
    else fmt::print("  {:<28} {:>12}   ± {} (standard error)\n", knob.key, knob.show(), error.show());
  }
  if (!fitted.made.found)
    fmt::print("  no step leads on from here: another start may end elsewhere, and the errors above mean nothing\n");
  std::size_t width = 14;
  for (const std::string& label : fitted.labels) width = std::max(width, label.size());
  const std::string unit = fitted.unit.empty() ? "" : " (" + fitted.unit + ")";
  fmt::print("{:>{}} {:>16} {:>16} {:>10}\n", "", width, "measured" + unit, "fitted" + unit, "error");
  for (std::size_t i = 0; i < fitted.measured.size(); ++i)
    fmt::print("{:>{}} {:>16.6g} {:>16.6g} {:>9.1f} %\n", fitted.labels[i], width, fitted.scale * fitted.measured[i],
               fitted.scale * fitted.made.model[i], 100 * (fitted.made.model[i] / fitted.measured[i] - 1));
  if (fitted.by.empty())
    for (const Knob& knob : fitted.made.knobs)
      fmt::print("  --set {}={}\n", knob.key, knob.dimension ? knob.node().text : fmt::format("{}", knob.value));
  fmt::print("  mean error {:.1f} %, largest {:.1f} %\n\n", 100 * fitted.made.mean_error(fitted.measured),
             100 * fitted.made.largest_error(fitted.measured));
}

std::vector<Fitted> fit(const Words& words, std::vector<std::string>& notes) {
  if (words.topology.empty() && !is_nccl_log(read_file(words.measured, largest_document))) {
    if (words.scenario.empty()) throw UsageError("--scenario: a table calibrates keys of a scenario; give it");
    if (!words.out.empty()) throw UsageError("-o: writes a topology; what is fitted to a table is printed as --set");
    return {fit_table(words.measured, words.scenario, words.keys)};
  }
  if (words.topology.empty()) throw UsageError("--topology: a log of nccl-tests calibrates a topology; give it");
  const auto smallest = parse_quantity(words.smallest, Dimension::bytes);
  if (!smallest || *smallest < 0)
    throw UsageError(fmt::format("--min-size: \"{}\" must be a size, as in 1MiB or 0B", words.smallest));
  LogOptions options = words.log;
  options.smallest = *smallest;
  return fit_log(words.measured, words.topology, options, notes);
}

int calibrate_from(const Words& words) {
  std::vector<std::string> notes;
  const std::vector<Fitted> fits = fit(words, notes);
  if (!words.out.empty() && fits.size() > 1) {
    std::vector<std::string> names;
    for (const Fitted& each : fits) names.push_back(each.name.substr(0, each.name.find(',')));
    throw UsageError(
        fmt::format("-o: one file for {} fits; choose with --ops: {}", fits.size(), fmt::join(names, ", ")));
  }
  if (words.json) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const Fitted& each : fits) all.push_back(json_of(each));
    fmt::print("{}\n", nlohmann::ordered_json{{"fits", all}, {"notes", notes}}.dump(2));
  } else if (!words.quiet) {
    for (const Fitted& each : fits) print(each);
  }
  if (!words.quiet)
    for (const std::string& note : notes) fmt::print(stderr, "note: {}\n", note);
  if (words.out.empty()) return done;
  make_folder_of(words.out);
  write_file(words.out, fits[0].made.document.dump(2) + "\n");
  return done;
}

}  // namespace

Action calibrate_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("MEASURED", words->measured, "a log of nccl-tests, or a table (CSV)")->required();
  app.add_option("--topology", words->topology, "whose efficiency, latency and overhead are fitted to the log");
  app.add_option("--ops", words->log.operations, "tests of the log, as in all_reduce,all_gather; by default all")
      ->delimiter(',');
  app.add_option("--min-size", words->smallest, "rows below it are left out");
  app.add_option("--algorithm", words->log.algorithm, "of the collective; by default the one that fits best");
  app.add_option("--link", words->log.link, "whose keys are fitted; by default of a host's fabric, or of the network");
  app.add_option("--ranks", words->log.ranks, "where the log does not say")->check(CLI::Range(2, 1 << 20));
  app.add_option("--scenario", words->scenario, "whose keys are fitted to the table");
  app.add_option("--fit", words->keys, "keys of the scenario; by default cluster.device.efficiency")->delimiter(',');
  app.add_option("-o,--out", words->out, "the topology with what was fitted");
  app.add_flag("--json", words->json, "prints one JSON document");
  app.add_flag("--quiet", words->quiet, "prints nothing but errors");
  return [words] { return calibrate_from(*words); };
}

}  // namespace paceline
