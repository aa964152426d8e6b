// paceline: simulates a data-parallel training cluster and trains a model on its clock. See tools/README.md.
#include <fmt/format.h>
#include <cstdio>
#include <exception>
#include <map>
#include <new>

#include "sim/core/engine.hpp"
#include "sim/core/errors.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

// The nearest of a verb's flags to one that it does not know.
std::string nearest_flag(const CLI::App& verb, const std::vector<std::string>& words) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : verb.get_options())
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  for (const std::string& word : words)
    if (word.starts_with("-")) return did_you_mean(word.substr(0, word.find('=')), flags);
  return "";
}

// Whether an exception, or one nested in it, is of a type.
template <class Kind>
bool caused_by(const std::exception& error) {
  if (dynamic_cast<const Kind*>(&error)) return true;
  try {
    std::rethrow_if_nested(error);
  } catch (const std::exception& inner) { return caused_by<Kind>(inner); } catch (...) {
  }
  return false;
}

int complain(int code, std::string_view text) {
  fmt::print(stderr, "paceline: {}\n", text);
  return code;
}

int main(int argc, char** argv) {
  CLI::App app("Simulates data-parallel training clusters and trains real models on their clock.", "paceline");
  app.set_version_flag("--version", std::string("paceline ") + PACELINE_VERSION);
  app.require_subcommand(1);
  std::map<std::string, std::pair<CLI::App*, Action>> verbs;
  const auto add = [&](const std::string& name, const std::string& help, Action (*verb)(CLI::App&)) {
    CLI::App* sub = app.add_subcommand(name, help);
    verbs[name] = {sub, verb(*sub)};
  };
  add("run", "one scenario, one run folder", run_verb);
  add("sweep", "all runs of a sweep file, into one store; goes on where it was", sweep_verb);
  add("merge", "stores of a sweep's shards put together", merge_verb);
  add("compare", "runs and sweeps side by side, with intervals over seeds", compare_verb);
  add("what-if", "what stragglers, failures, the network and compute cost a scenario", what_if_verb);
  add("trace", "a run as lanes over simulated time, for Perfetto, speedscope or Holistic Trace Analysis", trace_verb);
  add("report", "one page that shows runs and sweeps, as HTML", report_verb);
  add("validate", "checks scenarios, sweeps and topologies without running them", validate_verb);
  add("draw", "a picture of a topology, as SVG", draw_verb);
  add("bench-collective", "times of collectives on a topology, as nccl-tests prints them", bench_collective_verb);
  add("import-chakra", "Chakra traces, one of each rank, as a graph for the strategy \"execution_graph\"",
      import_chakra_verb);
  add("import-profile", "a trace of PyTorch's profiler as a profile for the cost \"profile\"", import_profile_verb);
  add("import-topology", "a host, as NCCL or nvidia-smi describe it, as a topology", import_topology_verb);
  add("calibrate", "figures of a topology or a scenario from what was measured, by least squares", calibrate_verb);
  add("list", "the kinds of strategies, models, topologies, ...", list_verb);
  add("explain", "what a key or a kind takes", explain_verb);
  add("schema", "the JSON Schema of scenarios, sweeps and topologies, for editors", schema_verb);

  const std::string word = argc > 1 ? argv[1] : "";
  if (!word.empty() && word[0] != '-' && !verbs.contains(word)) {
    std::vector<std::string> names;
    for (const auto& [name, verb] : verbs) names.push_back(name);
    return complain(usage, fmt::format("unknown verb \"{}\"{}", word, did_you_mean_one_of(word, names)));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) { return app.exit(success); } catch (const CLI::ExtrasError& error) {
    const std::vector<std::string> words = app.remaining(true);
    return complain(usage, fmt::format("unknown: {}{}", fmt::join(words, " "),
                                       verbs.contains(word) ? nearest_flag(*verbs[word].first, words) : ""));
  } catch (const CLI::ParseError& error) { return complain(usage, error.what()); }
  try {
    return verbs.at(app.get_subcommands().at(0)->get_name()).second();
  } catch (const UsageError& error) { return complain(usage, error.what()); } catch (const ConfigError& error) {
    return complain(invalid, error.what());
  } catch (const std::bad_alloc&) { return complain(limit, "out of memory"); } catch (const std::exception& error) {
    if (caused_by<ConfigError>(error)) return complain(invalid, describe(error));
    if (caused_by<std::bad_alloc>(error)) return complain(limit, "out of memory: " + describe(error));
    return complain(caused_by<std::overflow_error>(error) || caused_by<std::length_error>(error) ? limit : failed,
                    describe(error));
  }
}

}  // namespace
}  // namespace paceline

int main(int argc, char** argv) { return paceline::main(argc, argv); }
