// Every strategy in one place, with keys that suit four workers and one: tests that loop over it hold for all.
#pragma once
#include <string>
#include <vector>

namespace paceline::test {

struct StrategyCase {
  std::string name;         // unique, of letters, digits and underscores
  std::string four, alone;  // training.strategy for four workers, and for one
  bool servers = false;
  bool follows_values = false;  // losses move its events: without numerics it is another run

  std::string kind() const;
};
void PrintTo(const StrategyCase& each, std::ostream* out);

// At least one of every registered kind; a test fails where one is missing.
const std::vector<StrategyCase>& all_strategies();

}  // namespace paceline::test
