#include "sim/core/document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t most_files = 1000;  // that one scenario extends

Json to_json(const Node& node, bool by_content) {
  if (by_content && !node.digest.empty()) return node.digest;
  switch (node.kind) {
    case Node::Kind::null:
      return nullptr;
    case Node::Kind::boolean:
      return node.boolean;
    case Node::Kind::integer:
      return node.integer;
    case Node::Kind::number:
      return node.number;
    case Node::Kind::text:
      return node.text;
    case Node::Kind::array: {
      Json array = Json::array();
      for (const Node& item : node.items) array.push_back(to_json(item, by_content));
      return array;
    }
    case Node::Kind::object:
      break;
  }
  Json object = Json::object();
  for (const Member& member : node.members)
    object.get_ref<Json::object_t&>().emplace_back(member.key, to_json(member.value, by_content));
  return object;
}

bool is_utf8(const std::string& text) {
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::exception&) { return false; }
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
  if (chain.open.size() == deepest_document)
    throw ConfigError(asked, "/extends", fmt::format("files extend each other deeper than {}", deepest_document));
  if (++chain.files > most_files)
    throw ConfigError(asked, "/extends", fmt::format("more than {} files are extended", most_files));
  chain.open.push_back(identity);
  Node own = read_document(path);
  Node base;
  base.kind = Node::Kind::object;
  base.place = own.place;
  if (own.kind != Node::Kind::object)
    throw ConfigError(own.place, "", fmt::format("must be an object, not {}", own.show()));
  const auto entry =
      std::find_if(own.members.begin(), own.members.end(), [](const Member& m) { return m.key == "extends"; });
  if (entry != own.members.end()) {
    const Node list = std::move(entry->value);
    own.members.erase(entry);
    const auto extend = [&](const Node& name) {
      if (name.kind != Node::Kind::text)
        throw ConfigError(name.place, "/extends",
                          fmt::format("must be a path or a list of paths, not {}", name.show()));
      const std::string file = resolve_path(name.place, name.text);
      if (const std::string fault = file_fault(file); !fault.empty())
        throw ConfigError(name.place, "/extends", fmt::format("{}: \"{}\"", fault, name.text));
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

std::string Node::dump(int indent) const {
  return to_json(*this, false).dump(indent, ' ', false, Json::error_handler_t::replace);
}
std::string Node::canonical() const {
  return nlohmann::json(to_json(*this, true)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string Node::show() const {
  switch (kind) {
    case Kind::text:
      return fmt::format("the text \"{}\"", text.size() > 60 ? text.substr(0, 57) + "..." : text);
    case Kind::array:
      return "an array";
    case Kind::object:
      return "an object";
    default:
      return dump();
  }
}

std::string file_fault(const std::string& path) {
  std::error_code error;
  const auto kind = std::filesystem::status(path, error).type();
  if (path.empty() || kind == std::filesystem::file_type::not_found) return "no such file";
  if (kind == std::filesystem::file_type::directory) return "a folder, not a file";
  return kind == std::filesystem::file_type::none ? "cannot be read: " + error.message() : "";
}

std::string read_file(const std::string& path, std::size_t largest) {
  if (const std::string fault = file_fault(path); !fault.empty())
    throw ConfigError({}, "", fmt::format("{}: {}", path, fault));
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

Node read_document(const std::string& path, std::size_t largest) {
  return parse_document(read_file(path, largest), path);
}

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
  if (!is_utf8(assignment)) throw ConfigError(place, "", "is not UTF-8");
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    throw ConfigError(place, "", "must be KEY=VALUE, as in cluster.workers=32");
  const std::string text = assignment.substr(equals + 1);
  Node value;
  try {
    value = parse_document(text, "its value");
  } catch (const ConfigError& error) {
    if (text.find_first_of("{[\"") == 0) throw ConfigError(place, "", error.what());
    value = Node::of_text(text);
  }
  const auto placed = [&](const auto& self, Node& node) -> void {
    node.place = place;
    for (Node& item : node.items) self(self, item);
    for (Member& member : node.members) member.place = place, self(self, member.value);
  };
  placed(placed, value);

  set_path(root, std::string_view(assignment).substr(0, equals), std::move(value));
}

void set_path(Node& root, std::string_view keys, Node value) {
  const Place place = value.place;
  Node* at = &root;
  std::string pointer;
  if (std::size_t(std::count(keys.begin(), keys.end(), '.')) >= deepest_document)
    throw ConfigError(place, "", fmt::format("deeper than {} keys", deepest_document));
  while (!keys.empty()) {
    const auto dot = keys.find('.');
    const std::string key(keys.substr(0, dot));
    keys.remove_prefix(dot == keys.npos ? keys.size() : dot + 1);
    pointer += "/" + key;
    if (key.empty() || (dot != std::string_view::npos && keys.empty()))
      throw ConfigError(place, "", "the dotted path has an empty key");
    if (at->kind == Node::Kind::array) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
      if (error != std::errc{} || end != key.data() + key.size() || index >= at->items.size())
        throw ConfigError(place, pointer,
                          fmt::format("no such element: the array has {}, numbered from 0", at->items.size()));
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
