#include "sim/experiment/expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <functional>
#include <variant>
#include <vector>

#include "sim/core/units.hpp"

namespace paceline {

const Node* look_up(const Node& document, std::string_view path) {
  const Node* at = &document;
  while (at && !path.empty()) {
    const auto dot = path.find('.');
    const std::string_view key = path.substr(0, dot);
    path.remove_prefix(dot == path.npos ? path.size() : dot + 1);
    if (at->kind == Node::Kind::array) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
      at = error == std::errc{} && end == key.data() + key.size() && index < at->items.size() ? &at->items[index]
                                                                                              : nullptr;
    } else {
      at = at->find(key);
    }
  }
  return at;
}

namespace {

struct Nothing {};
using Value = std::variant<Nothing, bool, double, std::string>;

bool is_null(const Value& value) { return std::holds_alternative<Nothing>(value); }

std::string show(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&value)) return fmt::format("'{}'", *text);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  return "null";
}

// What two texts with units amount to, if they are of one dimension.
std::optional<std::pair<double, double>> quantities(const std::string& a, const std::string& b) {
  for (const Dimension each : {Dimension::duration, Dimension::bandwidth, Dimension::bytes, Dimension::compute}) {
    const auto left = parse_quantity(a, each), right = parse_quantity(b, each);
    if (left && right) return std::pair(*left, *right);
  }
  return {};
}

template <class T>
bool compared(const std::string& sign, const T& a, const T& b) {
  if (sign == "<") return a < b;
  if (sign == "<=") return a <= b;
  if (sign == ">") return a > b;
  if (sign == ">=") return a >= b;
  return (a == b) == (sign == "==");
}

}  // namespace

struct Expression::Term {
  std::string sign;  // an operator, "key" or "value"
  Value value{};
  std::string key{};
  std::vector<Term> operands{};
};

namespace {

using Term = Expression::Term;
using Failure = std::function<void(const std::string&)>;  // throws

// Recursive descent, a function for each level of precedence.
class Parser {
 public:
  Parser(const std::string& text, const Failure& fail, std::set<std::string>& keys)
      : text_(text), fail_(fail), keys_(keys) {}

  Term whole() {
    Term made = either();
    if (!rest().empty()) fail("unexpected");
    return made;
  }

 private:
  using Level = Term (Parser::*)();

  std::string_view rest() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    return std::string_view(text_).substr(at_);
  }
  void fail(const char* what) {
    const std::string_view left = rest();
    fail_(left.empty() ? "ends too early" : fmt::format("{} at \"{}\"", what, left.substr(0, 30)));
  }
  static bool part_of_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.'; }

  bool take(std::string_view sign) {
    const std::string_view left = rest();
    if (!left.starts_with(sign)) return false;
    if (part_of_word(sign.back()) && left.size() > sign.size() && part_of_word(left[sign.size()])) return false;
    at_ += sign.size();
    return true;
  }
  Term chain(Level next, std::initializer_list<std::string> signs) {
    Term left = (this->*next)();
    for (;;) {
      const auto sign = std::find_if(signs.begin(), signs.end(), [&](const std::string& each) { return take(each); });
      if (sign == signs.end()) return left;
      Term right = (this->*next)();
      Term made{*sign};
      made.operands.push_back(std::move(left));
      made.operands.push_back(std::move(right));
      left = std::move(made);
    }
  }

  Term either() { return chain(&Parser::both, {"or", "||"}); }
  Term both() { return chain(&Parser::negated, {"and", "&&"}); }
  Term negated() {
    if (++depth_ > deepest_document) fail_("is nested too deeply");
    Term made;
    if (take("not")) {
      made.sign = "not";
      made.operands.push_back(negated());
    } else {
      made = chain(&Parser::sum, {"==", "!=", "<=", ">=", "<", ">"});
    }
    --depth_;
    return made;
  }
  Term sum() { return chain(&Parser::product, {"+", "-"}); }
  Term product() { return chain(&Parser::atom, {"*", "/", "%"}); }
  Term atom() {
    if (take("(")) {
      Term inner = either();
      if (!take(")")) fail("\")\" is missing");
      return inner;
    }
    if (take("-")) {
      Term made{"-"};
      made.operands.push_back({"value", 0.0});
      made.operands.push_back(atom());
      return made;
    }
    const std::string_view left = rest();
    if (!left.empty() && left[0] == '\'') {
      const auto end = left.find('\'', 1);
      if (end == left.npos) fail("the text does not end");
      at_ += end + 1;
      return {"value", std::string(left.substr(1, end - 1))};
    }
    if (!left.empty() && (std::isdigit(static_cast<unsigned char>(left[0])) || left[0] == '.')) {
      double number = 0;
      const auto [end, error] = std::from_chars(left.data(), left.data() + left.size(), number);
      if (error != std::errc{}) fail("no number");
      at_ += std::size_t(end - left.data());
      return {"value", number};
    }
    std::size_t length = 0;
    while (length < left.size() && part_of_word(left[length])) ++length;
    if (length == 0) fail("a key, a number or a text in '…' is expected");
    const std::string word(left.substr(0, length));
    at_ += length;
    if (word == "true" || word == "false") return {"value", word == "true"};
    if (word == "null") return {"value", Nothing{}};
    keys_.insert(word);
    return {"key", {}, word};
  }

  const std::string& text_;
  const Failure& fail_;
  std::set<std::string>& keys_;
  std::size_t at_ = 0, depth_ = 0;
};

class Evaluation {
 public:
  Evaluation(const Node& document, const Failure& fail, std::set<std::string>& known)
      : document_(document), fail_(fail), known_(known) {}

  Value of(const Term& term) {
    if (term.sign == "value") return term.value;
    if (term.sign == "key") return of_key(term.key);
    const Value left = of(term.operands[0]);
    if (term.sign == "not") return is_null(left) ? Value{} : Value{!truth(left, "not")};
    const Value right = of(term.operands[1]);
    if (term.sign == "and" || term.sign == "&&") return logical(left, right, false, "and");
    if (term.sign == "or" || term.sign == "||") return logical(left, right, true, "or");
    const bool compares = std::string_view("=!<>").find(term.sign[0]) != std::string_view::npos;
    return compares ? compare(term, left, right) : arithmetic(term.sign, left, right);
  }
  bool truth(const Value& value, const std::string& sign) {
    if (!std::holds_alternative<bool>(value))
      fail_(
          fmt::format("{} is neither true nor false{}", show(value), sign.empty() ? "" : ", which " + sign + " needs"));
    return std::get<bool>(value);
  }

 private:
  Value of_key(const std::string& key) {
    const Node* found = look_up(document_, key);
    if (!found) return {};
    known_.insert(key);
    switch (found->kind) {
      case Node::Kind::null:
        return {};
      case Node::Kind::boolean:
        return found->boolean;
      case Node::Kind::integer:
      case Node::Kind::number:
        return found->number;
      case Node::Kind::text:
        return found->text;
      default:
        fail_(fmt::format("{} is {}, no value", key, found->show()));
        return {};
    }
  }
  // `decisive`: the operand that settles it alone.
  Value logical(const Value& a, const Value& b, bool decisive, const std::string& sign) {
    for (const Value& each : {a, b})
      if (!is_null(each) && truth(each, sign) == decisive) return decisive;
    return is_null(a) || is_null(b) ? Value{} : Value{!decisive};
  }
  Value compare(const Term& term, const Value& a, const Value& b) {
    const auto written_null = [](const Term& t) { return t.sign == "value" && is_null(t.value); };
    if (written_null(term.operands[0]) || written_null(term.operands[1]))
      return (is_null(a) && is_null(b)) == (term.sign == "==");
    if (is_null(a) || is_null(b)) return {};
    if (a.index() != b.index()) {
      if (term.sign == "==" || term.sign == "!=") return term.sign == "!=";
      fail_(fmt::format("{} and {} cannot be compared", show(a), show(b)));
    }
    if (const auto* number = std::get_if<double>(&a)) return compared(term.sign, *number, std::get<double>(b));
    if (const auto* flag = std::get_if<bool>(&a)) return compared(term.sign, *flag, std::get<bool>(b));
    const std::string &left = std::get<std::string>(a), &right = std::get<std::string>(b);
    if (const auto both = quantities(left, right)) return compared(term.sign, both->first, both->second);
    return compared(term.sign, left, right);
  }
  Value arithmetic(const std::string& sign, const Value& a, const Value& b) {
    if (is_null(a) || is_null(b)) return {};
    for (const Value& each : {a, b})
      if (!std::holds_alternative<double>(each))
        fail_(fmt::format("{} is no number, which {} needs", show(each), sign));
    const double x = std::get<double>(a), y = std::get<double>(b);
    if (sign == "+") return x + y;
    if (sign == "-") return x - y;
    if (sign == "*") return x * y;
    if (y == 0) fail_("divides by 0");
    return sign == "/" ? x / y : std::fmod(x, y);
  }

  const Node& document_;
  const Failure& fail_;
  std::set<std::string>& known_;
};

}  // namespace

Expression::Expression(const Node& text, std::string pointer) : place_(text.place), pointer_(std::move(pointer)) {
  if (text.kind != Node::Kind::text)
    fail(fmt::format("must be a condition, as in \"cluster.workers >= 2 * training.strategy.staleness\", not {}",
                     text.show()));
  const Failure failure = [&](const std::string& rule) { fail(fmt::format("\"{}\": {}", text.text, rule)); };
  root_ = std::make_shared<Term>(Parser(text.text, failure, keys_).whole());
}

bool Expression::holds(const Node& document) {
  const Failure failure = [&](const std::string& rule) { fail(rule); };
  Evaluation evaluation(document, failure, known_);
  const Value value = evaluation.of(*root_);
  return is_null(value) || evaluation.truth(value, "");
}

double Expression::number(const Node& document) {
  const Failure failure = [&](const std::string& rule) { fail(rule); };
  const Value value = Evaluation(document, failure, known_).of(*root_);
  if (!std::holds_alternative<double>(value)) fail(fmt::format("{} is no number", show(value)));
  return std::get<double>(value);
}

std::set<std::string> Expression::unknown() const {
  std::set<std::string> left;
  std::set_difference(keys_.begin(), keys_.end(), known_.begin(), known_.end(), std::inserter(left, left.end()));
  return left;
}

void Expression::fail(const std::string& rule) const { throw ConfigError(place_, pointer_, rule); }

}  // namespace paceline
