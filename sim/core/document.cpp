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
    std::string_view what = error.what();
    if (const auto colon = what.find("column "); colon != what.npos) what.remove_prefix(std::min(what.find(": ", colon) + 2, what.size()));
    else if (const auto bracket = what.find("] "); bracket != what.npos) what.remove_prefix(bracket + 2);
    const char* at = std::min(read, text_.data() + text_.size());
    throw ConfigError(place(at > text_.data() ? at - 1 : at), "", fmt::format("not JSON: {}", what));
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
    return node;
  }
  // The quote that opens the string which was just read.
  const char* before_string() const {
    const char* at = read - 2;
    for (;; --at) {
      if (*at != '"') continue;
      const char* slash = at;
      while (slash > text_.data() && slash[-1] == '\\') --slash;
      if ((at - slash) % 2 == 0) return at;
    }
  }
  // The start of the number or word which was just read (the parser may be one character past it).
  const char* before_token() const {
    const auto part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '-' || c == '.'; };
    const char* at = std::min(read, text_.data() + text_.size());
    while (at > text_.data() && !part(at[-1])) --at;
    while (at > text_.data() && part(at[-1])) --at;
    return at;
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

  std::string_view text_;
  std::shared_ptr<const std::string> file_;
  std::vector<Node*> open_;
  std::vector<std::unordered_map<std::string, unsigned>> keys_;  // of each open object, with their lines
  const char* counted_ = text_.data();
  const char* line_start_ = text_.data();
  unsigned line_ = 1;
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

Node extended(const std::string& path, const Place& asked, std::vector<std::string>& chain) {
  const std::string identity = std::filesystem::weakly_canonical(path).string();
  if (std::find(chain.begin(), chain.end(), identity) != chain.end())
    throw ConfigError(asked, "/extends", fmt::format("\"{}\" extends itself in a cycle", path));
  chain.push_back(identity);
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
      if (!std::filesystem::is_regular_file(file)) throw ConfigError(name.place, "/extends", fmt::format("no such file: \"{}\"", name.text));
      merge(base, extended(file, name.place, chain));
    };
    if (list.kind == Node::Kind::array) std::for_each(list.items.begin(), list.items.end(), extend);
    else extend(list);
  }
  merge(base, std::move(own));
  chain.pop_back();
  return base;
}

}  // namespace

Node Node::of_kind(std::string_view kind) {
  Node object;
  object.kind = Kind::object;
  object.members.push_back({"kind", {}, {}});
  object.members[0].value.kind = Kind::text;
  object.members[0].value.text = kind;
  return object;
}

const Node* Node::find(std::string_view key) const {
  for (const Member& member : members)
    if (member.key == key) return &member.value;
  return nullptr;
}
Node* Node::find(std::string_view key) { return const_cast<Node*>(std::as_const(*this).find(key)); }

std::string Node::dump(int indent) const { return to_json(*this, false).dump(indent); }
std::string Node::canonical() const { return nlohmann::json(to_json(*this, true)).dump(); }

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
  const Cursor begin(text.data(), &builder.read), end(text.data() + text.size(), nullptr);
  Json::sax_parse(begin, end, &builder, nlohmann::json::input_format_t::json, true, true);
  return std::move(builder.root);
}

std::string read_file(const std::string& path, std::size_t largest) {
  std::error_code error;
  const auto kind = std::filesystem::status(path, error).type();
  if (kind == std::filesystem::file_type::not_found) throw ConfigError({}, "", fmt::format("{}: no such file", path));
  if (kind == std::filesystem::file_type::directory) throw ConfigError({}, "", fmt::format("{}: is a folder, not a file", path));
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
  std::vector<std::string> chain;
  return extended(path, {}, chain);
}

void merge(Node& base, Node over) {
  if (base.kind != Node::Kind::object || over.kind != Node::Kind::object) {
    base = std::move(over);
    return;
  }
  base.place = over.place;
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
    value = parse_document(text, *place.file);
  } catch (const ConfigError&) {
    value.kind = Node::Kind::text;
    value.text = text;
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
