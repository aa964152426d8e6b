// Errors that a user can mend: where they are, what was found, what the rule is, what was probably meant.
#pragma once
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace paceline {

// Where a value was written. Line and column count from 1; line 0: not in a file (a --set).
struct Place {
  std::shared_ptr<const std::string> file;
  unsigned line = 0, column = 0;

  std::string text() const;  // "first_run.json:12:5"
};

// A scenario, topology or data file that cannot be taken as it is. what() is "PLACE: /json/pointer: rule",
// on one line.
struct ConfigError : std::runtime_error {
  using runtime_error::runtime_error;
  ConfigError(const Place& place, std::string_view pointer, std::string_view rule);
};

// The run did what it should not: a self-check failed, or a rule of the simulation was broken.
struct RunError : std::runtime_error {
  using runtime_error::runtime_error;
};

// "; did you mean "ssp"?", or "" when none of the names is near.
std::string did_you_mean(std::string_view name, std::span<const std::string> names);
// The same, then all of them: "; did you mean "ssp"? There are: async, bsp, ssp".
std::string did_you_mean_one_of(std::string_view name, std::span<const std::string> names);

// "an order", "a cost".
std::string with_article(std::string_view noun);

}  // namespace paceline
