#include "sim/experiment/compare/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/core/errors.hpp"
#include "sim/experiment/compare/pareto.hpp"

namespace paceline::compare {
namespace {

constexpr double never = std::numeric_limits<double>::infinity();

double best(const Sample& sample) { return sample.rises.empty() ? NAN : sample.rises.back().accuracy; }

std::string name_of(const Comparison& c, std::size_t row) {
  if (c.axes.empty()) return c.rows[row].configuration->scenario;
  std::vector<std::string> words;
  for (std::size_t a = 0; a < c.axes.size(); ++a)
    words.push_back(fmt::format("{}={}", c.axes[a].substr(c.axes[a].rfind('.') + 1), c.labels[row][a]));
  return fmt::format("{}", fmt::join(words, ", "));
}

void name_rows(Comparison& c) {
  for (const Configuration& each : c.runs.configurations)
    for (const auto& [axis, value] : each.axes.items())
      if (std::find(c.axes.begin(), c.axes.end(), axis) == c.axes.end()) c.axes.push_back(axis);
  c.labels.resize(c.rows.size());
  for (const std::string& axis : c.axes) {
    std::vector<Json> values;
    for (const Configuration& each : c.runs.configurations) {
      const auto at = each.axes.find(axis);
      values.push_back(at == each.axes.end() ? Json() : *at);
    }
    const std::vector<std::string> labels = short_labels(values);
    for (std::size_t i = 0; i < labels.size(); ++i) c.labels[i].push_back(labels[i]);
  }
  for (std::size_t i = 0; i < c.rows.size(); ++i) c.rows[i].name = name_of(c, i);
}

std::optional<Goal> choose_goal(const Comparison& c, const Options& options) {
  const auto& all = c.runs.configurations;
  double lowest = never;
  std::size_t of = 0;
  bool trained = false, all_trained = true;
  for (std::size_t i = 0; i < all.size(); ++i)
    for (const Sample& sample : all[i].samples) {
      trained = trained || !sample.rises.empty();
      if (sample.reason == "diverged") continue;  // it reaches nothing that others need to be measured by
      all_trained = all_trained && !sample.rises.empty();
      if (best(sample) < lowest) {
        lowest = best(sample);
        of = i;
      }
    }
  if (!trained) {
    if (options.accuracy) throw ConfigError("--accuracy: none of these runs was trained, so none has an accuracy");
    return std::nullopt;
  }
  if (options.accuracy) return Goal{*options.accuracy, "as asked"};
  const bool same_stop = std::all_of(all.begin(), all.end(), [&](const Configuration& each) {
    return each.stop_accuracy && each.stop_accuracy == all[0].stop_accuracy;
  });
  if (same_stop) return Goal{*all[0].stop_accuracy, "where the scenario stops"};
  if (!all_trained || lowest == never) return std::nullopt;
  return Goal{lowest, all.size() == 1 ? "the highest that every run reaches"
                                      : fmt::format("the highest that every run reaches; least: {}", c.rows[of].name)};
}

void reach(const Goal& goal, Configuration& configuration) {
  for (Sample& sample : configuration.samples) {
    const auto at = std::find_if(sample.rises.begin(), sample.rises.end(),
                                 [&](const Rise& rise) { return rise.accuracy >= goal.accuracy; });
    const bool reached = at != sample.rises.end();
    sample.values[index(Measure::time_to_accuracy)] = reached ? at->time_s : NAN;
    sample.values[index(Measure::bytes_to_accuracy)] = reached ? at->bytes : NAN;
  }
}

void estimate_all(Row& row) {
  const auto& samples = row.configuration->samples;
  std::vector<double> values(samples.size());
  for (std::size_t m = 0; m < measures; ++m) {
    std::transform(samples.begin(), samples.end(), values.begin(), [&](const Sample& s) { return s.values[m]; });
    if (std::none_of(values.begin(), values.end(), [](double value) { return std::isnan(value); }))
      row.estimates[m] = estimate(values);
  }
  row.reached = std::size_t(std::count_if(samples.begin(), samples.end(), [](const Sample& sample) {
    return !std::isnan(sample.value(Measure::time_to_accuracy));
  }));
}

// Samples of two configurations on the same seeds; both are sorted by it.
std::vector<std::pair<const Sample*, const Sample*>> pairs_of(const Configuration& a, const Configuration& b) {
  std::vector<std::pair<const Sample*, const Sample*>> pairs;
  for (auto i = a.samples.begin(), j = b.samples.begin(); i != a.samples.end() && j != b.samples.end();) {
    if (i->seed == j->seed) pairs.emplace_back(&*i++, &*j++);
    else if (i->seed < j->seed) ++i;
    else ++j;
  }
  return pairs;
}

AgainstBaseline hold_against(const Row& row, const Row& base, std::size_t baseline) {
  AgainstBaseline made;
  made.baseline = baseline;
  const auto pairs = pairs_of(*base.configuration, *row.configuration);
  made.common_seeds = pairs.size();
  if (pairs.empty()) return made;
  std::vector<double> before(pairs.size()), after(pairs.size());
  for (std::size_t m = 0; m < measures; ++m) {
    bool known = true;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      before[i] = pairs[i].first->values[m];
      after[i] = pairs[i].second->values[m];
      known = known && !std::isnan(before[i]) && !std::isnan(after[i]);
    }
    if (!known) continue;
    Difference difference{paired_difference(before, after), {}, false};
    difference.p = p_value(difference.estimate);
    made.differences[m] = difference;
    const auto positive = [](double value) { return value > 0; };
    if (m != index(Measure::throughput) || !std::all_of(before.begin(), before.end(), positive) ||
        !std::all_of(after.begin(), after.end(), positive))
      continue;
    made.speed_up = paired_ratio(before, after);
    if (base.configuration->workers > 0 && row.configuration->workers > 0)
      made.efficiency = made.speed_up->over(double(row.configuration->workers) / base.configuration->workers);
  }
  return made;
}

void correct(Comparison& c) {
  for (std::size_t m = 0; m < measures; ++m) {
    std::vector<std::optional<double>> p;
    std::vector<Difference*> differences;
    for (Row& row : c.rows)
      if (row.against && row.against->differences[m]) {
        differences.push_back(&*row.against->differences[m]);
        p.push_back(differences.back()->p);
      }
    const std::vector<bool> significant = holm(p);
    for (std::size_t i = 0; i < differences.size(); ++i) differences[i]->significant = significant[i];
  }
  c.tested = std::size_t(std::count_if(c.rows.begin(), c.rows.end(),
                                       [](const Row& row) { return row.against && row.against->common_seeds > 1; }));
}

void mark_front(Comparison& c) {
  const auto mean = [](const Row& row, Measure measure, double otherwise) {
    return row.of(measure) ? row.of(measure)->mean : otherwise;
  };
  std::vector<std::array<double, 3>> costs;
  for (const Row& row : c.rows)
    costs.push_back(
        {mean(row, c.time(), never), -mean(row, Measure::best_accuracy, -never), mean(row, c.bytes(), never)});
  const std::vector<bool> front = pareto_front(costs);
  for (std::size_t i = 0; i < c.rows.size(); ++i) c.rows[i].on_front = front[i];
}

// KEY=VALUE …, as of --set: a JSON value, or a text.
Json read_baseline(const std::vector<std::string>& assignments) {
  Json made = Json::object();
  for (const std::string& each : assignments) {
    const auto equals = each.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw ConfigError(fmt::format("--baseline: \"{}\" is not KEY=VALUE", each));
    const std::string value = each.substr(equals + 1);
    Json parsed = Json::parse(value, nullptr, false);
    made[each.substr(0, equals)] = parsed.is_discarded() ? Json(value) : parsed;
  }
  return made;
}

std::string in_words(const Json& baseline, const Comparison& c) {
  if (baseline.is_null() || baseline.empty()) return c.rows[0].name;
  std::vector<std::string> words;
  for (const auto& [key, value] : baseline.items()) {
    const Json* kind = descend(value, "kind");
    const Json& shown = kind ? *kind : value;
    words.push_back(fmt::format("{}={}", key, shown.is_string() ? shown.get<std::string>() : shown.dump()));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

void note_what_lacks(Comparison& c) {
  const auto count = [&](const auto& rule) { return std::count_if(c.rows.begin(), c.rows.end(), rule); };
  std::size_t fewest = c.rows[0].configuration->samples.size(), most = fewest;
  for (const Row& row : c.rows) {
    fewest = std::min(fewest, row.configuration->samples.size());
    most = std::max(most, row.configuration->samples.size());
  }
  if (fewest != most) c.notes.push_back(fmt::format("configurations have {} to {} seeds", fewest, most));
  if (most == 1) c.notes.push_back("one seed each: no intervals");
  if (const auto alone = count([](const Row& row) { return row.against && row.against->common_seeds == 0; }); alone > 0)
    c.notes.push_back(
        fmt::format("{} of {} have no seed in common with the baseline: no differences", alone, c.rows.size()));
  const auto diverged = count([](const Row& row) {
    return std::any_of(row.configuration->samples.begin(), row.configuration->samples.end(),
                       [](const Sample& sample) { return sample.reason == "diverged"; });
  });
  if (diverged > 0)
    c.notes.push_back(fmt::format("{} of {} diverged, in some seeds at least", diverged, c.rows.size()));
}

}  // namespace

Comparison comparison_of(Runs runs, const Options& options) {
  Comparison made;
  made.runs = std::move(runs);
  made.notes = made.runs.notes;
  auto& all = made.runs.configurations;
  made.rows.resize(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) made.rows[i].configuration = &all[i];
  name_rows(made);
  const Json baseline = options.baseline.empty() ? made.runs.baseline : read_baseline(options.baseline);
  std::vector<std::optional<std::size_t>> baselines(all.size());
  bool is_there = true;
  try {
    baselines = find_baselines(all, baseline);
  } catch (const ConfigError& missing) {  // that of a sweep may not have been run yet
    if (!options.baseline.empty()) throw;
    made.notes.push_back(fmt::format("no differences: {}", missing.what()));
    is_there = false;
  }
  made.baseline = in_words(baseline, made);
  made.goal = choose_goal(made, options);
  if (made.goal)
    for (Configuration& each : all) reach(*made.goal, each);
  for (Row& row : made.rows) estimate_all(row);
  std::size_t without = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!baselines[i]) ++without;
    else if (*baselines[i] != i)
      made.rows[i].against = hold_against(made.rows[i], made.rows[*baselines[i]], *baselines[i]);
  }
  if (without > 0 && is_there)
    made.notes.push_back(
        fmt::format("{} of {} have no baseline that agrees with them in the other axes", without, all.size()));
  correct(made);
  mark_front(made);
  note_what_lacks(made);
  return made;
}

}  // namespace paceline::compare
