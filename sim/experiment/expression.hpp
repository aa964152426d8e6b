// A condition of a sweep's "where": which combinations are runs. As in
//   cluster.workers >= 2 * training.strategy.staleness and not training.strategy.kind == 'async'
// Dotted keys of the run's scenario (elements of lists by index), numbers, texts in '…', true, false, null;
// + - * / %, == != < <= > >=, not, and, or, parentheses, with the usual precedence. Texts with units compare by size.
// A key that a run does not have is null; null with an operator other than == null and != null is null, and a condition
// that is null does not concern the run: it stays.
#pragma once
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "sim/core/document.hpp"

namespace paceline {

class Condition {
 public:
  // Of a text in a sweep file. Throws ConfigError at its place.
  Condition(const Node& text, std::string pointer);

  // Whether a run stays. Throws ConfigError when operands do not fit their operator.
  bool holds(const Node& scenario);
  // Keys that no run had so far; a misspelt one never is.
  std::set<std::string> unknown() const;
  [[noreturn]] void fail(const std::string& rule) const;

  struct Term;  // of the parsed expression

 private:
  Place place_;
  std::string pointer_;
  std::shared_ptr<Term> root_;
  std::set<std::string> keys_, known_;
};

}  // namespace paceline
