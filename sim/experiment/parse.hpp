// scenario.json --parse--> Spec. Every error of a scenario is found here (or while its data is opened), with its place.
#pragma once
#include <string>
#include <vector>

#include "sim/core/reader.hpp"
#include "sim/experiment/spec.hpp"

namespace paceline {

// Reads a scenario file, what it extends, and assignments KEY=VALUE on top. Throws ConfigError.
Spec parse_scenario(const std::string& path, const std::vector<std::string>& assignments = {});
// The same for a document already in memory; `name` is the run's name where the scenario gives none.
Spec parse_scenario(Node document, const std::string& name, const std::vector<std::string>& assignments = {});

// Set a key of a scenario, KEY=VALUE or one by one, where a device may be a mere name until a key of it is set. Throw
// ConfigError.
void set_key(Node& scenario, const std::string& assignment);
void set_key(Node& scenario, std::string_view key, Node value);

// The keys of a scenario: reads them into a spec, or describes them.
void read_scenario(Reader& in, Spec& spec);

}  // namespace paceline
