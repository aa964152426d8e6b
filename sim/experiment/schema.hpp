// What `list`, `explain` and `schema` tell: made from the same declarations that read a scenario.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "sim/core/registry.hpp"

namespace paceline {

struct RegistryEntry {
  std::string plural;  // "strategies"
  const Kinds* kinds;
};
const std::vector<RegistryEntry>& registries();
const std::vector<RegistryEntry>& known_by_name();  // profiles and devices: documents, not code

Description describe_scenario();

// A key by its dotted path ("cluster.workers", "training.strategy.ssp", "training.strategy.ssp.staleness"), a kind
// by its name alone ("ssp"), a key of a sweep file ("sweep.axes"). Nothing when there is none; `nearest` then names
// what is like it.
std::optional<std::string> explain(const std::string& path, std::string& nearest);

// JSON Schema, draft 2020-12.
std::string scenario_schema();
std::string sweep_schema();
std::string topology_schema();

}  // namespace paceline
