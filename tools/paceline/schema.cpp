// paceline schema [scenario|sweep|topology]: the JSON Schema of what users write, for editors.
#include <fmt/format.h>

#include "sim/experiment/schema.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {

Action schema_verb(CLI::App& app) {
  auto of = std::make_shared<std::string>("scenario");
  app.add_option("OF", *of, "scenario, sweep or topology")->check(CLI::IsMember({"scenario", "sweep", "topology"}));
  return [of] {  // keeps what the option writes to alive
    fmt::print("{}", *of == "topology" ? topology_schema() : *of == "sweep" ? sweep_schema() : scenario_schema());
    return int(done);
  };
}

}  // namespace paceline
