// paceline explain KEY: what a key takes, by its dotted path; or what a kind is, by its name.
#include <fmt/format.h>

#include "sim/experiment/schema.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {

Action explain_verb(CLI::App& app) {
  auto key = std::make_shared<std::string>();
  app.add_option("KEY", *key, "as in cluster.workers, training.strategy, training.strategy.ssp, ssp");
  return [key] {
    std::string nearest;
    const auto text = explain(*key, nearest);
    if (!text) throw UsageError(fmt::format("explain: there is no key or kind \"{}\"{}", *key, nearest));
    fmt::print("{}", *text);
    return int(done);
  };
}

}  // namespace paceline
