// paceline schema [scenario]: the JSON Schema of scenarios, for editors.
#include <fmt/format.h>

#include "sim/experiment/schema.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {

Action schema_verb(CLI::App& app) {
  auto of = std::make_shared<std::string>("scenario");
  app.add_option("OF", *of, "scenario")->check(CLI::IsMember({"scenario"}));
  return [of] {  // keeps what the option writes to alive
    fmt::print("{}", scenario_schema());
    return int(done);
  };
}

}  // namespace paceline
