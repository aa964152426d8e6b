#include "sim/core/document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <unordered_map>

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t deepest = 64;
constexpr std::size_t most_files = 1000;  // that one scenario extends

// What the parser says of a fault, as a person would.
std::string plain(std::string_view fault, bool blank) {
  const auto says = [&](std::string_view words) { return fault.find(words) != fault.npos; };
  if (says("number overflow")) return "this number is too large";
  if (says("missing closing quote")) return "this text is not closed: its closing quote is missing";
  if (says("control character")) return "this text is not closed on its line (a line break within it is \\n, a tab \\t)";
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
  if (says("invalid literal") || says("unexpected")) return "this is not a value: a text in double quotes, a number, true, false, null, [ or {";
  const auto dash = fault.find(" - ");
  return std::string(fault.substr(dash == fault.npos ? 0 : dash + 3, fault.find("; last read") - (dash == fault.npos ? 0 : dash + 3)));
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
  Cursor& operator++() { ++at_; if (read_) *read_ = at_; return *this; }
  Cursor operator++(int) { Cursor old = *this; ++*this; return old; }
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

  Builder(std::string_view text, const std::string& name) : read(text.data()), text_(text), file_(std::make_shared<std::string>(name)) {}

  bool null() { return add(Node::Kind::null, before_token()) != nullptr; }
  bool boolean(bool value) { add(Node::Kind::boolean, before_token())->boolean = value; return true; }
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
  bool string(string_t& value) { add(Node::Kind::text, before_string())->text = std::move(value); return true; }
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
    else if (says("number overflow") || says(" literal;")) at = *at == '\0' || part(*at) || says("unexpected") || says("overflow") ? before_token() : at;
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
    if (open_.size() == deepest) throw ConfigError(node->place, "", fmt::format("nested deeper than {}", deepest));
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

Json to_json(const Node& node, bool by_content) {
  if (by_content && !node.digest.empty()) return node.digest;
  switch (node.kind) {
    case Node::Kind::null: return nullptr;
    case Node::Kind::boolean: return node.boolean;
    case Node::Kind::integer: return node.integer;
    case Node::Kind::number: return node.number;
    case Node::Kind::text: return node.text;
    case Node::Kind::array: {
      Json array = Json::array();
      for (const Node& item : node.items) array.push_back(to_json(item, by_content));
      return array;
    }
    case Node::Kind::object: break;
  }
  Json object = Json::object();
  for (const Member& member : node.members) object.get_ref<Json::object_t&>().emplace_back(member.key, to_json(member.value, by_content));
  return object;
}

struct Chain {
  std::vector<std::string> open;  // files that are being read, the first of all first
  std::size_t files = 0;
};

Node extended(const std::string& path, const Place& asked, Chain& chain) {
  std::error_code ignored;
  const std::filesystem::path canonical = std::filesystem::weakly_canonical(path, ignored);
  const std::string identity = ignored ? path : canonical.string();
  if (std::find(chain.open.begin(), chain.open.end(), identity) != chain.open.end())
    throw ConfigError(asked, "/extends", fmt::format("\"{}\" extends itself in a cycle", path));
  if (chain.open.size() == deepest) throw ConfigError(asked, "/extends", fmt::format("files extend each other deeper than {}", deepest));
  if (++chain.files > most_files) throw ConfigError(asked, "/extends", fmt::format("more than {} files are extended", most_files));
  chain.open.push_back(identity);
  Node own = read_document(path);
  Node base;
  base.kind = Node::Kind::object;
  base.place = own.place;
  if (own.kind != Node::Kind::object) throw ConfigError(own.place, "", fmt::format("must be an object, not {}", own.show()));
  const auto entry = std::find_if(own.members.begin(), own.members.end(), [](const Member& m) { return m.key == "extends"; });
  if (entry != own.members.end()) {
    const Node list = std::move(entry->value);
    own.members.erase(entry);
    const auto extend = [&](const Node& name) {
      if (name.kind != Node::Kind::text) throw ConfigError(name.place, "/extends", fmt::format("must be a path or a list of paths, not {}", name.show()));
      const std::string file = resolve_path(name.place, name.text);
      if (const std::string fault = file_fault(file); !fault.empty()) throw ConfigError(name.place, "/extends", fmt::format("{}: \"{}\"", fault, name.text));
      merge(base, extended(file, name.place, chain));
    };
    if (list.kind == Node::Kind::array) std::for_each(list.items.begin(), list.items.end(), extend);
    else extend(list);
  }
  merge(base, std::move(own));
  chain.open.pop_back();
  return base;
}

}  // namespace

Node Node::of_kind(std::string_view kind) {
  Node object;
  object.kind = Kind::object;
  object.members.push_back({"kind", of_text(std::string(kind)), {}});
  return object;
}

Node Node::of_text(std::string text) {
  Node node;
  node.kind = Kind::text;
  node.text = std::move(text);
  return node;
}

const Node* Node::find(std::string_view key) const {
  for (const Member& member : members)
    if (member.key == key) return &member.value;
  return nullptr;
}
Node* Node::find(std::string_view key) { return const_cast<Node*>(std::as_const(*this).find(key)); }

std::string Node::dump(int indent) const { return to_json(*this, false).dump(indent, ' ', false, Json::error_handler_t::replace); }
std::string Node::canonical() const {
  return nlohmann::json(to_json(*this, true)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string Node::show() const {
  switch (kind) {
    case Kind::text: return fmt::format("the text \"{}\"", text.size() > 60 ? text.substr(0, 57) + "..." : text);
    case Kind::array: return "an array";
    case Kind::object: return "an object";
    default: return dump();
  }
}

Node parse_document(std::string_view text, const std::string& name) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Builder builder(text, name);
  if (const auto zero = text.find('\0'); zero != text.npos)
    throw ConfigError(builder.place(text.data() + zero), "", "not JSON: a zero byte, as no text file has");
  const Cursor begin(text.data(), &builder.read), end(text.data() + text.size(), nullptr);
  Json::sax_parse(begin, end, &builder, nlohmann::json::input_format_t::json, true, true);
  return std::move(builder.root);
}

std::string file_fault(const std::string& path) {
  std::error_code error;
  const auto kind = std::filesystem::status(path, error).type();
  if (path.empty() || kind == std::filesystem::file_type::not_found) return "no such file";
  if (kind == std::filesystem::file_type::directory) return "a folder, not a file";
  return kind == std::filesystem::file_type::none ? "cannot be read: " + error.message() : "";
}

std::string read_file(const std::string& path, std::size_t largest) {
  if (const std::string fault = file_fault(path); !fault.empty()) throw ConfigError({}, "", fmt::format("{}: {}", path, fault));
  std::ifstream in(path, std::ios::binary);
  if (!in) throw ConfigError({}, "", fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  std::string text;
  std::vector<char> piece(std::size_t{1} << 16);
  while (in.read(piece.data(), std::streamsize(piece.size())) || in.gcount() > 0) {
    text.append(piece.data(), std::size_t(in.gcount()));
    if (text.size() > largest) throw ConfigError({}, "", fmt::format("{}: larger than {} MiB", path, largest >> 20));
  }
  return text;
}

Node read_document(const std::string& path, std::size_t largest) { return parse_document(read_file(path, largest), path); }

Node read_extended(const std::string& path) {
  Chain chain;
  return extended(path, {}, chain);
}

void merge(Node& base, Node over) {
  if (base.kind != Node::Kind::object || over.kind != Node::Kind::object) {
    base = std::move(over);
    return;
  }
  base.place = over.place;
  if (base.members.empty()) base.members.swap(over.members);
  for (Member& member : over.members) {
    if (Node* old = base.find(member.key)) merge(*old, std::move(member.value));
    else base.members.push_back(std::move(member));
  }
}

void set_path(Node& root, const std::string& assignment) {
  const Place place{std::make_shared<std::string>("--set " + assignment)};
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) throw ConfigError(place, "", "must be KEY=VALUE, as in cluster.workers=32");
  const std::string text = assignment.substr(equals + 1);
  Node value;
  try {
    value = parse_document(text, "its value");
  } catch (const ConfigError& error) {
    const bool word = text.find_first_of("{[\"") != 0 && std::string_view(error.what()).find("not UTF-8") == std::string_view::npos;
    if (!word) throw ConfigError(place, "", error.what());
    value = Node::of_text(text);
  }
  const auto placed = [&](const auto& self, Node& node) -> void {
    node.place = place;
    for (Node& item : node.items) self(self, item);
    for (Member& member : node.members) member.place = place, self(self, member.value);
  };
  placed(placed, value);

  Node* at = &root;
  std::string pointer;
  std::string_view keys = std::string_view(assignment).substr(0, equals);
  if (std::size_t(std::count(keys.begin(), keys.end(), '.')) >= deepest) throw ConfigError(place, "", fmt::format("deeper than {} keys", deepest));
  while (!keys.empty()) {
    const auto dot = keys.find('.');
    const std::string key(keys.substr(0, dot));
    keys.remove_prefix(dot == keys.npos ? keys.size() : dot + 1);
    pointer += "/" + key;
    if (key.empty() || (dot != std::string_view::npos && keys.empty())) throw ConfigError(place, "", "the dotted path has an empty key");
    if (at->kind == Node::Kind::array) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
      if (error != std::errc{} || end != key.data() + key.size() || index >= at->items.size())
        throw ConfigError(place, pointer, fmt::format("no such element: the array has {}, numbered from 0", at->items.size()));
      at = &at->items[index];
      continue;
    }
    if (at->kind == Node::Kind::null) {
      at->kind = Node::Kind::object;
      at->place = place;
    }
    if (at->kind != Node::Kind::object) throw ConfigError(place, pointer, fmt::format("{} has no keys", at->show()));
    Node* next = at->find(key);
    if (!next) {
      at->members.push_back({key, {}, place});
      next = &at->members.back().value;
      next->place = place;
    }
    at = next;
  }
  *at = std::move(value);
}

std::string resolve_path(const Place& written_in, const std::string& path) {
  const std::filesystem::path given(path);
  if (given.is_absolute() || !written_in.file || written_in.line == 0) return path;
  return (std::filesystem::path(*written_in.file).parent_path() / given).lexically_normal().string();
}

}  // namespace paceline
