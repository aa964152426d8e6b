#include "sim/experiment/what_if.hpp"

#include <fmt/format.h>

#include "sim/experiment/experiment.hpp"

namespace paceline {
namespace {

// Another cost, all its durations times a factor.
class Scaled final : public Cost {
 public:
  Scaled(std::unique_ptr<Cost> cost, double factor) : cost_(std::move(cost)), factor_(factor) {}
  StepCost step(int worker, std::int64_t step, int samples) const override {
    const StepCost cost = cost_->step(worker, step, samples);
    return {factor_ * cost.forward, factor_ * cost.backward, factor_ * cost.update};
  }
  double server_update() const override { return factor_ * cost_->server_update(); }
  double gradient_bytes() const override { return cost_->gradient_bytes(); }
  std::vector<double> tensor_bytes() const override { return cost_->tensor_bytes(); }
  double ready(int worker, double bytes) const override { return cost_->ready(worker, bytes); }

 private:
  std::unique_ptr<Cost> cost_;
  double factor_;
};

template <class Maker>
void take_out(std::vector<Maker>& list, std::size_t entry, std::string_view name) {
  if (list.empty()) throw std::invalid_argument(fmt::format("the scenario has no {}s", name));
  if (entry >= list.size())
    throw std::invalid_argument(
        list.size() == 1
            ? fmt::format("there is no {} {}: the scenario has one, number 0", name, entry)
            : fmt::format("there is no {} {}: the scenario has {}, numbered from 0", name, entry, list.size()));
  list[entry] = {};
}
template <class Maker>
void take_all_out(std::vector<Maker>& list, std::string_view name) {
  take_out(list, 0, name);
  list.assign(list.size(), {});
}

}  // namespace

void apply(const Change& change, Spec& spec) {
  switch (change.what) {
    case Change::What::straggler:
      return take_out(spec.cluster.stragglers, change.entry, "straggler");
    case Change::What::all_stragglers:
      return take_all_out(spec.cluster.stragglers, "straggler");
    case Change::What::failure:
      return take_out(spec.cluster.failures, change.entry, "failure");
    case Change::What::all_failures:
      return take_all_out(spec.cluster.failures, "failure");
    case Change::What::network:
      spec.cluster.network.bandwidth_factor *= change.factor;
      return;
    case Change::What::compute:
      spec.cost.make = [make = spec.cost.make, factor = change.factor](const CostInput& input) {
        return std::make_unique<Scaled>(make(input), factor);
      };
  }
}

std::vector<Change> usual_changes(const Spec& spec) {
  std::vector<Change> changes;
  for (std::size_t i = 0; i < spec.cluster.stragglers.size(); ++i) changes.push_back({Change::What::straggler, i});
  for (std::size_t i = 0; i < spec.cluster.failures.size(); ++i) changes.push_back({Change::What::failure, i});
  changes.push_back({Change::What::network, 0, 2});
  changes.push_back({Change::What::compute, 0, 0.5});
  return changes;
}

void Variant::add(const Results& r) {
  times_s.push_back(r.simulated_time_s);
  average(simulated_time_s, r.simulated_time_s);
  average(throughput_samples_per_s, r.simulated_time_s > 0 ? double(r.samples) / r.simulated_time_s : 0);
  average(wait_fraction, r.fractions[std::size_t(Activity::wait)]);
  average(communication_fraction, r.fractions[std::size_t(Activity::communication)]);
  all_accurate_ = all_accurate_ && r.time_to_accuracy_s;
  double accurate = time_to_accuracy_s.value_or(0);
  average(accurate, r.time_to_accuracy_s.value_or(0));
  time_to_accuracy_s = all_accurate_ ? std::optional(accurate) : std::nullopt;
  reasons.push_back(r.reason);
  checks_hold = checks_hold && r.all_hold();
}

std::vector<Variant> what_if(const std::vector<Spec>& seeds, const std::vector<Change>& changes, Threads& threads,
                             const std::function<void(std::size_t done, std::size_t of)>& told) {
  std::vector<std::vector<Change>> variants{{}};
  for (const Change& change : changes) variants.push_back({change});
  if (changes.size() > 1) variants.push_back(changes);
  std::vector<Variant> made(variants.size());
  for (std::size_t done = 0; done < seeds.size() * variants.size(); ++done) {
    const std::size_t v = done % variants.size();
    Spec spec = seeds[done / variants.size()];
    for (const Change& change : variants[v]) apply(change, spec);
    made[v].add(Experiment(spec, threads).run());
    told(done + 1, seeds.size() * variants.size());
  }
  return made;
}

}  // namespace paceline
