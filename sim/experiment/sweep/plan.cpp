#include "sim/experiment/sweep/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <unordered_set>

#include "sim/core/digest.hpp"
#include "sim/experiment/memory.hpp"
#include "sim/experiment/parse.hpp"

namespace paceline {
namespace {

constexpr double seconds_per_event = 2e-7, flops = 5e10;
constexpr double usual_steps = 1000;  // where only an accuracy ends it

std::string axes_text(const Sweep& sweep, const std::vector<std::size_t>& indices) {
  Node axes;
  axes.kind = Node::Kind::object;
  for (std::size_t a = 0; a < indices.size(); ++a)
    axes.members.push_back({sweep.axes[a].key, sweep.axes[a].values[indices[a]], {}});
  return axes.dump();
}

std::string short_hash(const std::string& content) {
  return Digest().add(content).add("\n").add(PACELINE_VERSION).hex().substr(0, 16);
}

// Seeds do not matter here: conditions about them would cut configurations in pieces.
bool stays(Sweep& sweep, const Node& scenario) {
  bool all = true;
  for (Expression& condition : sweep.where) all = condition.holds(scenario) && all;
  return all;
}

void reject_unknown_keys(const Sweep& sweep) {
  std::vector<std::string> keys;
  for (const Axis& axis : sweep.axes) keys.push_back(axis.key);
  for (const Expression& condition : sweep.where)
    for (const std::string& key : condition.unknown())
      condition.fail(
          fmt::format("no run has the key \"{}\"; a text is written '{}'{}", key, key, did_you_mean(key, keys)));
}

double steps_of(const Spec& spec, double batches) {
  const StopRule& stop = spec.stop;
  double steps = 1e300;
  if (stop.steps) steps = std::min(steps, double(*stop.steps));
  if (stop.updates) steps = std::min(steps, double(*stop.updates));
  if (stop.epochs) steps = std::min(steps, *stop.epochs * double(spec.dataset.shape().train_rows) / batches);
  if (stop.time) {
    const std::unique_ptr<const Model> model = spec.model.make(spec.dataset.shape());
    const StepCost cost = make_cost(spec, *model, spec.batch_sizes)->step(0, 0, spec.batch_sizes[0]);
    if (const double step = cost.forward + cost.backward + cost.update; step > 0)
      steps = std::min(steps, *stop.time / step);
  }
  return steps < 1e300 ? steps : usual_steps;
}

}  // namespace

void estimate(const Spec& spec, PlannedRun& run) {
  const double workers = spec.cluster.workers;
  const double batches = std::accumulate(spec.batch_sizes.begin(), spec.batch_sizes.end(), 0.0);
  const double steps = steps_of(spec, batches);
  const double messages =
      spec.strategy.uses_servers ? 2.0 * std::max(1, spec.cluster.servers.count) : 2 * (workers - 1);
  run.events = workers * steps * (1 + messages);
  run.seconds = run.events * seconds_per_event;
  if (!spec.numerics) return;
  const double parameters = double(spec.model.make(spec.dataset.shape())->size());
  run.seconds += steps * batches * 6 * parameters / flops;
}

SweepPlan make_plan(Sweep sweep, const Shard& shard, const std::function<void(std::size_t)>& told) {
  SweepPlan plan{std::move(sweep), {}, 0, 0, {}};
  std::unordered_set<std::string> known;
  std::optional<ConfigError> first_error;
  std::size_t position = 0, right = 0;
  for (const std::vector<std::size_t>& indices : combinations(plan.sweep)) {
    if (!plan.sweep.where.empty() && !stays(plan.sweep, scenario_of(plan.sweep, indices, plan.sweep.seeds[0]))) {
      plan.excluded += plan.sweep.seeds.size();
      continue;
    }
    const std::string axes = axes_text(plan.sweep, indices);
    for (const std::uint64_t seed : plan.sweep.seeds) {
      PlannedRun run{.position = position++, .seed = seed, .indices = indices, .axes = axes};
      Node document = scenario_of(plan.sweep, indices, seed);
      const std::string written = document.canonical();
      try {
        Spec spec = parse_scenario(std::move(document), plan.sweep.scenario_name);
        run.hash = short_hash(spec.hash);
        estimate(spec, run);
        run.name = std::move(spec.name);
        run.scenario = std::move(spec.resolved);
        if (right++ == 0) plan.notes = std::move(spec.notes);
      } catch (const ConfigError& error) {
        run.error = error.what();
        run.hash = short_hash("invalid " + written);
        if (!first_error) first_error = error;
      }
      if (!known.insert(run.hash).second) ++plan.same;
      else if (shard.has(run.hash)) plan.runs.push_back(std::move(run));
      if (told) told(position);
    }
  }
  reject_unknown_keys(plan.sweep);
  if (position == 0) plan.sweep.where.at(0).fail("no run is left");
  if (right == 0) throw *first_error;
  return plan;
}

}  // namespace paceline
