// paceline validate FILE…: checks scenarios, sweeps and topologies without running them; of several files all are
// checked. A file with a top-level "kind" is a topology; its size and what it can carry are printed, see
// topologies/measure.hpp.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "sim/core/units.hpp"
#include "sim/experiment/parse.hpp"
#include "sim/experiment/sweep/plan.hpp"
#include "tools/paceline/topology_file.hpp"
#include "tools/paceline/verbs.hpp"
#include "topologies/measure.hpp"

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;

struct Words {
  std::vector<std::string> files, assignments;
  int nodes = 0;
  bool json = false;
};

struct Found {
  std::vector<std::string> notes;
  std::optional<topologies::Measure> topology;
  bool grows = false;
};

// All its runs.
Found check_sweep(const std::string& file, const Words& words) {
  const SweepPlan plan = make_plan(read_sweep(file, words.assignments));
  Found found{plan.notes, {}, false};
  found.notes.insert(found.notes.begin(), fmt::format("{} runs", plan.runs.size()));
  std::size_t wrong = 0;
  std::string first;
  for (const PlannedRun& run : plan.runs)
    if (!run.error.empty() && wrong++ == 0) first = run.error;
  if (wrong > 0)
    throw ConfigError(fmt::format("{}: {} of {} runs are no scenarios (\"where\" can leave them out); the first: {}",
                                  file, wrong, plan.runs.size(), first));
  return found;
}

Found check(const std::string& file, const Words& words) {
  Node document = read_extended(file);
  if (is_sweep(document)) return check_sweep(file, words);
  if (!document.find("kind")) return {parse_scenario(file, words.assignments).notes, {}, false};
  for (const std::string& assignment : words.assignments) set_path(document, assignment);
  const TopologyMaker maker = topologies::read_topology(document);
  try {
    return {{}, topologies::measure(*build_topology(maker, words.nodes)), maker.nodes == 0};
  } catch (const std::invalid_argument& apart) { throw ConfigError(document.place, "", apart.what()); }
}

Json to_json(const Found& found) {
  const topologies::Measure& m = *found.topology;
  const auto or_null = [](double value) { return std::isfinite(value) ? Json(value) : Json(); };
  return {{"grows", found.grows},
          {"nodes", m.nodes},
          {"hosts", m.hosts},
          {"switches", m.switches},
          {"inside_hosts", m.in_hosts},
          {"links", m.links},
          {"bisection_bytes_per_s", or_null(m.bisection)},
          {"oversubscription", or_null(m.oversubscription)},
          {"diameter_links", m.diameter},
          {"diameter_latency_s", to_seconds(m.latency)}};
}

std::string to_text(const Found& found) {
  const topologies::Measure& m = *found.topology;
  std::string text = fmt::format("  nodes             {}", m.nodes);
  if (m.hosts != m.nodes) text += fmt::format(" in {} hosts", m.hosts);
  if (found.grows) text += "; it grows with the cluster, --nodes shows another size";
  text += fmt::format("\n  switches          {}", m.switches);
  if (m.in_hosts) text += fmt::format(", and {} network cards and switches inside hosts", m.in_hosts);
  text += fmt::format("\n  links             {}, each direction counted\n", m.links);
  text += fmt::format("  bisection         {}\n",
                      std::isfinite(m.bisection) ? show_bandwidth(m.bisection) + ", one direction" : "not limited");
  text += fmt::format("  oversubscription  {:.4g}\n", m.oversubscription);
  text += fmt::format("  diameter          {} links, {}\n", m.diameter, show_duration(to_seconds(m.latency)));
  return text;
}

int validate(const Words& words) {
  auto report = Json::array();
  int code = done;
  for (const std::string& file : words.files) {
    std::string error;
    Found result;
    try {
      result = check(file, words);
    } catch (const ConfigError& found) {
      error = found.what();
      code = invalid;
    }
    report.push_back({{"file", file},
                      {"valid", error.empty()},
                      {"error", error.empty() ? Json() : Json(error)},
                      {"notes", result.notes}});
    if (result.topology) report.back()["topology"] = to_json(result);
    if (words.json) continue;
    if (!error.empty()) fmt::print(stderr, "paceline: {}\n", error);
    else fmt::print("{}: valid\n", file);
    for (const std::string& note : result.notes) fmt::print("  note: {}\n", note);
    if (result.topology) fmt::print("{}", to_text(result));
  }
  if (words.json) fmt::print("{}\n", report.dump(2, ' ', false, Json::error_handler_t::replace));
  return code;
}

}  // namespace

Action validate_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("FILE", words->files, "scenarios, sweeps and topologies")->required();
  app.add_option("--set", words->assignments, "KEY=VALUE, as for run")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--nodes", words->nodes, "of a topology that grows with the cluster; by default 8, or 2 hosts")
      ->check(CLI::Range(1, 1 << 20));
  app.add_flag("--json", words->json, "prints one JSON document");
  return [words] { return validate(*words); };
}

}  // namespace paceline
