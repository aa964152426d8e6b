// paceline what-if SCENARIO: what stragglers, failures, the network and compute cost: the scenario as it is beside the
// same with one of them changed, see sim/experiment/what_if.hpp.
#include "sim/experiment/what_if.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "sim/core/units.hpp"
#include "sim/experiment/parse.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;

struct Words {
  std::string scenario;
  std::vector<std::string> assignments, without;
  bool without_all_stragglers = false, without_all_failures = false;
  std::optional<double> network, compute;
  int seeds = 1, threads = 0;
  bool timing_only = false, json = false, quiet = false;
};

Change read_without(const std::string& text) {
  const auto colon = text.find(':');
  const std::string what = text.substr(0, colon), number = colon == std::string::npos ? "" : text.substr(colon + 1);
  std::size_t entry = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), entry);
  if ((what != "straggler" && what != "failure") || number.empty() || error != std::errc{} ||
      end != number.data() + number.size())
    throw UsageError(
        fmt::format("--without: \"{}\" is neither straggler:I nor failure:I, with I counted from 0", text));
  return {what == "straggler" ? Change::What::straggler : Change::What::failure, entry};
}

std::vector<Change> read_changes(const Words& words, const Spec& spec) {
  std::vector<Change> changes;
  for (const std::string& each : words.without) changes.push_back(read_without(each));
  if (words.without_all_stragglers) changes.push_back({Change::What::all_stragglers});
  if (words.without_all_failures) changes.push_back({Change::What::all_failures});
  if (words.network) changes.push_back({Change::What::network, 0, *words.network});
  if (words.compute) changes.push_back({Change::What::compute, 0, *words.compute});
  for (const Change& change : changes) {
    Spec tried = spec;
    try {
      apply(change, tried);
    } catch (const std::invalid_argument& none) { throw UsageError(none.what()); }
  }
  return changes.empty() ? usual_changes(spec) : changes;
}

// Entries of lists go with their kind.
std::string name_of(const Change& change, const Node& scenario) {
  const auto entry = [&](std::string_view name) {
    const Node& kind = *scenario.find("cluster")->find(fmt::format("{}s", name))->items[change.entry].find("kind");
    return fmt::format("without {} {} ({})", name, change.entry, kind.text);
  };
  switch (change.what) {
    case Change::What::straggler:
      return entry("straggler");
    case Change::What::failure:
      return entry("failure");
    case Change::What::all_stragglers:
      return "without all stragglers";
    case Change::What::all_failures:
      return "without all failures";
    case Change::What::network:
      return fmt::format("network x {:g}", change.factor);
    case Change::What::compute:
      return fmt::format("compute time x {:g}", change.factor);
  }
  return "";
}

Json to_json(const Variant& variant) {
  return {{"simulated_time_s", variant.simulated_time_s},
          {"throughput_samples_per_s", variant.throughput_samples_per_s},
          {"time_to_accuracy_s", variant.time_to_accuracy_s ? Json(*variant.time_to_accuracy_s) : Json()},
          {"wait_fraction", variant.wait_fraction},
          {"exposed_communication_fraction", variant.communication_fraction},
          {"ended_by", variant.reasons}};
}

Json to_json(const Spec& first, const std::vector<std::string>& names, const std::vector<Variant>& variants) {
  Json seeds = Json::array(), changes = Json::array();
  for (std::size_t i = 0; i < variants[0].times_s.size(); ++i) seeds.push_back(first.seed + i);
  for (std::size_t v = 1; v < variants.size(); ++v) {
    const Estimate d = paired_difference(variants[0].times_s, variants[v].times_s);
    Json row{{"change", names[v]}};
    row.update(to_json(variants[v]));
    row["difference_s"] = d.mean;
    row["difference_fraction"] =
        variants[0].simulated_time_s > 0 ? Json(d.mean / variants[0].simulated_time_s) : Json();
    row["interval_s"] = d.half_interval ? Json{d.mean - *d.half_interval, d.mean + *d.half_interval} : Json();
    changes.push_back(std::move(row));
  }
  return {{"scenario", first.name},
          {"scenario_hash", first.hash},
          {"seeds", seeds},
          {"as_it_is", to_json(variants[0])},
          {"changes", changes}};
}

std::string to_text(const Spec& first, const std::vector<std::string>& names, const std::vector<Variant>& variants) {
  const std::size_t seeds = variants[0].times_s.size();
  const bool accurate =
      std::any_of(variants.begin(), variants.end(), [](const Variant& v) { return v.time_to_accuracy_s.has_value(); });
  std::size_t width = 10;
  for (const std::string& name : names) width = std::max(width, name.size());
  std::string text = seeds == 1 ? fmt::format("{}, seed {}\n\n", first.name, first.seed)
                                : fmt::format("{}, means over seeds {} to {}; ± is half of a paired 95 % interval\n\n",
                                              first.name, first.seed, first.seed + seeds - 1);
  text += fmt::format("  {:<{}}  {:>14}  {:>{}}  {:>9}  {:>12}", "", width, "simulated time", "difference",
                      seeds == 1 ? 12 : 26, "", "samples/s");
  text += fmt::format("{}  {:>7}  {:>13}\n", accurate ? "   to accuracy" : "", "wait", "communication");
  for (std::size_t v = 0; v < variants.size(); ++v) {
    const Variant& row = variants[v];
    const Estimate d = paired_difference(variants[0].times_s, row.times_s);
    const auto with_sign = [](double seconds) {
      return fmt::format("{}{}", seconds < 0 ? "-" : "+", show_duration(std::abs(seconds)));
    };
    std::string difference, percent;
    if (v > 0) difference = with_sign(d.mean);
    if (v > 0 && d.half_interval) difference += " ± " + show_duration(*d.half_interval);
    if (v > 0 && variants[0].simulated_time_s > 0)
      percent = fmt::format("{:+.1f} %", 100 * d.mean / variants[0].simulated_time_s);
    text += fmt::format("  {:<{}}  {:>14}  {:>{}}  {:>9}  {:>12}", names[v], width, show_duration(row.simulated_time_s),
                        difference, seeds == 1 ? 12 : 26, percent, show_count(row.throughput_samples_per_s));
    if (accurate)
      text += fmt::format("  {:>12}", row.time_to_accuracy_s ? show_duration(*row.time_to_accuracy_s) : "-");
    text += fmt::format("  {:>5.1f} %  {:>11.1f} %\n", 100 * row.wait_fraction, 100 * row.communication_fraction);
  }
  for (std::size_t v = 0; v < variants.size(); ++v) {
    std::vector<std::string> reasons = variants[v].reasons;
    std::sort(reasons.begin(), reasons.end());
    reasons.erase(std::unique(reasons.begin(), reasons.end()), reasons.end());
    if (v == 0) text += fmt::format("\n  ended by {}\n", fmt::join(reasons, ", "));
    else if (variants[v].reasons != variants[0].reasons)
      text += fmt::format("  {}: ended by {}\n", names[v], fmt::join(reasons, ", "));
  }
  return text;
}

int exit_code(const std::vector<Variant>& variants) {
  for (const Variant& variant : variants)
    if (std::count(variant.reasons.begin(), variant.reasons.end(), "deadlock")) return deadlock;
  const bool hold = std::all_of(variants.begin(), variants.end(), [](const Variant& v) { return v.checks_hold; });
  return hold ? done : failed;
}

int compare(const Words& words) {
  std::vector<std::string> assignments = words.assignments;
  if (words.timing_only) assignments.push_back("numerics=false");
  std::vector<Spec> specs;
  specs.reserve(std::size_t(words.seeds));
  specs.push_back(parse_scenario(words.scenario, assignments));
  const Spec& first = specs[0];
  if (!words.quiet)
    for (const std::string& note : first.notes) fmt::print(stderr, "note: {}\n", note);
  const std::vector<Change> changes = read_changes(words, first);
  const std::uint64_t seed = first.seed;
  for (int i = 1; i < words.seeds; ++i) {  // read anew: what is drawn while a scenario is read is of its seed, too
    std::vector<std::string> seeded = assignments;
    seeded.push_back(fmt::format("seed={}", seed + std::uint64_t(i)));
    specs.push_back(parse_scenario(words.scenario, seeded));
  }
  const Node scenario = parse_document(specs[0].resolved, words.scenario);
  std::vector<std::string> names{"as it is"};
  for (const Change& change : changes) names.push_back(name_of(change, scenario));
  if (changes.size() > 1) names.push_back("all of them");

  const bool terminal = isatty(STDERR_FILENO) && !words.quiet;
  Threads threads(words.threads);
  const std::vector<Variant> variants = what_if(specs, changes, threads, [&](std::size_t run, std::size_t of) {
    if (terminal) fmt::print(stderr, "\r\x1b[K{}", run < of ? fmt::format("run {} of {}", run + 1, of) : "");
  });
  if (words.json)
    fmt::print("{}\n", to_json(specs[0], names, variants).dump(2, ' ', false, Json::error_handler_t::replace));
  else fmt::print("{}", to_text(specs[0], names, variants));
  for (std::size_t v = 0; v < variants.size(); ++v)
    if (!variants[v].checks_hold) fmt::print(stderr, "paceline: a self-check failed in the run {}\n", names[v]);
  return exit_code(variants);
}

}  // namespace

Action what_if_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("SCENARIO", words->scenario, "a JSON file")->required();
  app.add_option("--set", words->assignments, "KEY=VALUE, as for run")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--without", words->without, "straggler:I or failure:I, an entry of the scenario's list, from 0")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  app.add_flag("--without-all-stragglers", words->without_all_stragglers, "all of them at once");
  app.add_flag("--without-all-failures", words->without_all_failures, "all of them at once, and no checkpoints");
  app.add_option("--network-factor", words->network, "on the bandwidth of every link; latencies stay")
      ->check(CLI::Range(1e-6, 1e6));
  app.add_option("--compute-factor", words->compute, "on every duration of compute and updates")
      ->check(CLI::Range(1e-6, 1e6));
  app.add_option("--seeds", words->seeds, "so many, from the scenario's on: mean differences with intervals")
      ->check(CLI::Range(1, 10'000));
  app.add_flag("--timing-only", words->timing_only, "the same events without numerics");
  app.add_option("--threads", words->threads, "that compute gradients; by default one per processor")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--json", words->json, "prints one JSON document");
  app.add_flag("--quiet", words->quiet, "no notes, no progress");
  return [words] { return compare(*words); };
}

}  // namespace paceline
