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

Description describe_scenario();

// A key by its dotted path ("cluster.workers", "training.strategy.ssp", "training.strategy.ssp.staleness"), or a kind
// by its name alone ("ssp"). Nothing when there is none; `nearest` then names what is like it.
std::optional<std::string> explain(const std::string& path, std::string& nearest);

// JSON Schema, draft 2020-12.
std::string scenario_schema();
std::string topology_schema();

}  // namespace paceline
