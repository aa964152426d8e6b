// paceline schema [scenario|topology]: the JSON Schema of what users write, for editors.
#include <fmt/format.h>

#include "sim/experiment/schema.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {

Action schema_verb(CLI::App& app) {
  auto of = std::make_shared<std::string>("scenario");
  app.add_option("OF", *of, "scenario or topology")->check(CLI::IsMember({"scenario", "topology"}));
  return [of] {  // keeps what the option writes to alive
    fmt::print("{}", *of == "topology" ? topology_schema() : scenario_schema());
    return int(done);
  };
}

}  // namespace paceline
