// An expression over the keys of a document: which combinations of a sweep are runs ("where"), what a validation
// compares. As in
//   cluster.workers >= 2 * training.strategy.staleness and not training.strategy.kind == 'async'
// Dotted keys of the document (elements of lists by index), numbers, texts in '…', true, false, null;
// + - * / %, == != < <= > >=, not, and, or, parentheses, with the usual precedence. Texts with units compare by size.
// A key that the document does not have is null; null with an operator other than == null and != null is null.
#pragma once
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "sim/core/document.hpp"

namespace paceline {

// What stands at a dotted path, elements of lists by index; null: nothing.
const Node* look_up(const Node& document, std::string_view path);

class Expression {
 public:
  // Of a text in a file. Throws ConfigError at its place.
  Expression(const Node& text, std::string pointer);

  // Throw ConfigError when operands do not fit their operator. As a condition; null does not concern the document, and
  // so holds.
  bool holds(const Node& document);
  // As a number, which it must be.
  double number(const Node& document);
  // Keys that no document had so far; a misspelt one never is.
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
