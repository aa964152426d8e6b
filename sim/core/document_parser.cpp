// The parser of documents: nlohmann's, whose events are made into Nodes with places, and whose complaints into plain
// words.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "sim/core/document.hpp"

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;

// What the parser says of a fault, as a person would.
std::string plain(std::string_view fault, bool blank) {
  const auto says = [&](std::string_view words) { return fault.find(words) != fault.npos; };
  if (says("number overflow")) return "this number is too large";
  if (says("missing closing quote")) return "this text is not closed: its closing quote is missing";
  if (says("control character"))
    return "this text is not closed on its line (a line break within it is \\n, a tab \\t)";
  if (says("missing closing '*/'")) return "a comment is not closed: its */ is missing";
  if (says("ill-formed UTF-8")) return "this byte is not UTF-8";
  if (says("end of input;")) return blank ? "there is nothing in it" : "it ends before everything is closed";
  if (says("expected end of input")) return "there is more after its end";
  if (says("object key") && says("unexpected '}'")) return "there is a comma before this }";
  if (says("object key")) return "a key in double quotes must come here";
  if (says("object separator")) return "a : must come here, between the key and its value";
  if (says("parsing value") && says("unexpected ']'")) return "there is a comma before this ]";
  if (says("parsing object -")) return "a , or } must come here";
  if (says("parsing array -")) return "a , or ] must come here";
  if (says("invalid literal") || says("unexpected"))
    return "this is not a value: a text in double quotes, a number, true, false, null, [ or {";
  const auto dash = fault.find(" - ");
  return std::string(
      fault.substr(dash == fault.npos ? 0 : dash + 3, fault.find("; last read") - (dash == fault.npos ? 0 : dash + 3)));
}

// Hands the text to the parser and knows how far it has read.
class Cursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor(const char* at, const char** read) : at_(at), read_(read) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    ++at_;
    if (read_) *read_ = at_;
    return *this;
  }
  Cursor operator++(int) {
    Cursor old = *this;
    ++*this;
    return old;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }
  bool operator!=(const Cursor& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** read_;
};

// Builds Nodes from the parser's events.
class Builder {
 public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  Builder(std::string_view text, const std::string& name)
      : read(text.data()), text_(text), file_(std::make_shared<std::string>(name)) {}

  bool null() { return add(Node::Kind::null, before_token()) != nullptr; }
  bool boolean(bool value) {
    add(Node::Kind::boolean, before_token())->boolean = value;
    return true;
  }
  bool number_integer(number_integer_t value) { return whole(double(value), value); }
  bool number_unsigned(number_unsigned_t value) {
    if (value > number_unsigned_t(INT64_MAX)) return number_float(double(value), "");
    return whole(double(value), std::int64_t(value));
  }
  bool number_float(number_float_t value, const string_t&) {
    if (value == std::floor(value) && std::abs(value) < 0x1p53) return whole(value, std::int64_t(value));
    add(Node::Kind::number, before_token())->number = value;
    return true;
  }
  bool string(string_t& value) {
    add(Node::Kind::text, before_string())->text = std::move(value);
    return true;
  }
  bool binary(binary_t&) { return false; }
  bool start_object(std::size_t) { return open(Node::Kind::object); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(Node::Kind::array); }
  bool end_array() { return close(); }
  bool key(string_t& name) {
    const Place at = place(before_string());
    const auto [first, is_new] = keys_.back().emplace(name, at.line);
    if (!is_new) throw ConfigError(at, "", fmt::format("duplicate key \"{}\" (first at line {})", name, first->second));
    open_.back()->members.push_back({std::move(name), {}, at});
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) {
    const std::string_view what = error.what();
    const auto says = [&](std::string_view words) { return what.find(words) != what.npos; };
    const char* at = std::max(text_.data(), std::min(read, text_.data() + text_.size()) - 1);
    if (says("missing closing quote")) at = opening_quote(read - 1);
    else if (says("control character")) at = opening_quote(read - 2);
    else if (says("unexpected string literal")) at = before_string();
    else if (says("number overflow") || says(" literal;"))
      at = *at == '\0' || part(*at) || says("unexpected") || says("overflow") ? before_token() : at;
    const bool blank = counted_ == text_.data() && open_.empty() && root.place.line == 0;
    throw ConfigError(place(at), "", fmt::format("not JSON: {}", plain(what, blank)));
  }

  Place place(const char* at) {
    for (; counted_ < at; ++counted_)
      if (*counted_ == '\n') ++line_, line_start_ = counted_ + 1;
    if (at >= line_start_) return {file_, line_, unsigned(at - line_start_) + 1};
    unsigned line = line_;  // a token that began before the last line break
    const char* start = line_start_;
    while (at < start) {
      --line;
      do --start;
      while (start > text_.data() && start[-1] != '\n');
    }
    return {file_, line, unsigned(at - start) + 1};
  }

  const char* read;
  Node root;

 private:
  bool whole(double value, std::int64_t integer) {
    Node* node = add(Node::Kind::integer, before_token());
    node->integer = integer;
    node->number = value;
    return true;
  }
  bool open(Node::Kind kind) {
    Node* node = add(kind, read - 1);
    if (open_.size() == deepest_document)
      throw ConfigError(node->place, "", fmt::format("nested deeper than {}", deepest_document));
    open_.push_back(node);
    keys_.emplace_back();
    return true;
  }
  bool close() {
    open_.pop_back();
    keys_.pop_back();
    return true;
  }
  Node* add(Node::Kind kind, const char* at) {
    Node* node = &root;
    if (!open_.empty()) {
      Node& parent = *open_.back();
      node = parent.kind == Node::Kind::array ? &parent.items.emplace_back() : &parent.members.back().value;
    }
    node->kind = kind;
    node->place = place(at);
    if (++values_ > most_values) throw ConfigError(node->place, "", fmt::format("more than {} values", most_values));
    return node;
  }
  // The quote that opens the string which was just read.
  const char* before_string() const { return opening_quote(read - 2); }
  // The last quote that is not escaped, from here backwards.
  const char* opening_quote(const char* at) const {
    for (;; --at) {
      if (*at != '"') continue;
      const char* slash = at;
      while (slash > text_.data() && slash[-1] == '\\') --slash;
      if ((at - slash) % 2 == 0) return at;
    }
  }
  static bool part(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '-' || c == '.'; }
  // The start of the number or word which was just read (the parser may be one character past it).
  const char* before_token() const {
    const char* at = std::min(read, text_.data() + text_.size());
    while (at > text_.data() && !part(at[-1])) --at;
    while (at > text_.data() && part(at[-1])) --at;
    return at;
  }
  std::string_view text_;
  std::shared_ptr<const std::string> file_;
  std::vector<Node*> open_;
  std::vector<std::unordered_map<std::string, unsigned>> keys_;  // of each open object, with their lines
  const char* counted_ = text_.data();
  const char* line_start_ = text_.data();
  unsigned line_ = 1;
  std::size_t values_ = 0;
};

}  // namespace

Node parse_document(std::string_view text, const std::string& name) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Builder builder(text, name);
  if (const auto zero = text.find('\0'); zero != text.npos)
    throw ConfigError(builder.place(text.data() + zero), "", "not JSON: a zero byte, as no text file has");
  const Cursor begin(text.data(), &builder.read), end(text.data() + text.size(), nullptr);
  Json::sax_parse(begin, end, &builder, nlohmann::json::input_format_t::json, true, true);
  return std::move(builder.root);
}

}  // namespace paceline
