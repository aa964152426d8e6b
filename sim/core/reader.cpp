#include "sim/core/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "sim/core/digest.hpp"
#include "sim/core/registry.hpp"

namespace paceline {
namespace {

using Kind = Node::Kind;

std::string join(const std::vector<std::string>& names, std::string_view between = ", ") {
  return fmt::format("{}", fmt::join(names, between));
}

}  // namespace

std::size_t Kinds::find(Reader& in, const Node& kind) const {
  const auto found = std::find(kinds_.begin(), kinds_.end(), kind.text);
  if (found == kinds_.end())
    throw ConfigError(kind.place, in.pointer_to("kind"),
                      fmt::format("unknown {} \"{}\"{}", name_, kind.text, did_you_mean_one_of(kind.text, kinds_)));
  return std::size_t(found - kinds_.begin());
}

Reader::Reader(Node& object, std::string pointer, Context& context)
    : node_(&object), pointer_(std::move(pointer)), context_(&context) {
  if (object.kind != Kind::object) reject(object, pointer_, fmt::format("must be an object, not {}", object.show()));
}

Reader::Reader(Description& description) : context_(&own_context_), description_(&description) {}

void Reader::about(std::string_view line) {
  if (description_) description_->about = line;
}

// RFC 6901: ~ and / within a key are ~0 and ~1.
std::string Reader::pointer_to(std::string_view key) const {
  std::string pointer = pointer_ + "/";
  for (char letter : key) {
    if (letter == '~') pointer += "~0";
    else if (letter == '/') pointer += "~1";
    else pointer += letter;
  }
  return pointer;
}

void Reader::reject(const Node& value, const std::string& pointer, std::string_view rule) const {
  throw ConfigError(value.place, pointer, rule);
}

void Reader::note(std::string_view key, std::string_view text) {
  if (node_) context_->notes.push_back(fmt::format("{} {}", pointer_to(key), text));
}

void Reader::fail(std::string_view key, std::string_view rule) const {
  if (!node_) throw std::logic_error(fmt::format("describing: {}: {}", key, rule));
  const Node* found = key.empty() ? nullptr : node_->find(key);
  throw ConfigError(found ? found->place : node_->place, key.empty() ? pointer_ : pointer_to(key), rule);
}

KeyDescription* Reader::declare(std::string_view key, std::string_view type, std::string_view help, bool required) {
  if (!description_) return nullptr;
  KeyDescription& made = description_->keys.emplace_back();
  made.name = key;
  made.type = type;
  made.help = help;
  made.required = required;
  return &made;
}

const Node* Reader::value(std::string_view key, bool required, std::string_view what) {
  if (!node_) return nullptr;
  known_.emplace_back(key);
  const Node* found = node_->find(key);
  if (!found && required && missing_.empty()) missing_ = fmt::format("missing key \"{}\": {}", key, what);
  return found;
}

void Reader::need(std::string_view key) {
  if (!node_ || has(key)) return;
  const std::string wanted(key);
  for (const Member& member : node_->members)
    if (const std::string near = did_you_mean(member.key, {&wanted, 1}); !near.empty())
      throw ConfigError(member.place, pointer_to(member.key), fmt::format("unknown key \"{}\"{}", member.key, near));
  reject(*node_, pointer_, missing_);
}

void Reader::finish() {
  if (!node_) return;
  for (const Member& member : node_->members) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) continue;
    const std::string near = did_you_mean(member.key, known_);
    throw ConfigError(member.place, pointer_to(member.key),
                      fmt::format("unknown key \"{}\"{}", member.key,
                                  near.empty() ? fmt::format("; known are: {}", join(known_)) : near));
  }
  if (!missing_.empty()) reject(*node_, pointer_, missing_);
}

// Objects.

bool Reader::object(std::string_view key, std::string_view help, const std::function<void(Reader&)>& read,
                    bool required) {
  if (KeyDescription* described = declare(key, "object", help, required)) {
    Description inner;
    Reader in(inner);
    read(in);
    described = &description_->keys.back();
    described->keys = std::move(inner.keys);
    return true;
  }
  const Node* found = value(key, required, help);
  Node empty;
  empty.kind = Kind::object;
  empty.place = node_->place;
  if (!found && required) return false;
  Reader in = inside(found ? *node_->find(key) : empty, pointer_to(key));
  in.absent_ = !found;
  read(in);
  in.finish();
  return found != nullptr;
}

void Reader::objects(std::string_view key, std::string_view help, const std::function<void(Reader&)>& read) {
  if (declare(key, "objects", help, false)) {
    Description inner;
    Reader in(inner);
    read(in);
    description_->keys.back().keys = std::move(inner.keys);
    return;
  }
  if (!value(key, false, "")) return;
  Node& list = *node_->find(key);
  if (list.kind != Kind::array) fail(key, fmt::format("must be a list of objects, not {}", list.show()));
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    Reader in = inside(list.items[i], fmt::format("{}/{}", pointer_to(key), i));
    read(in);
    in.finish();
  }
}

void Reader::inline_file(std::string_view key, bool list) {
  if (!node_) return;
  Node* found = node_->find(key);
  if (!found || found->kind == (list ? Kind::array : Kind::object)) return;
  if (found->kind != Kind::text)
    fail(key, fmt::format("must be {}, or the path of a file with one, not {}", list ? "a list" : "an object",
                          found->show()));
  const std::string path = resolve_path(found->place, found->text);
  if (const std::string fault = file_fault(path); !fault.empty())
    fail(key, fmt::format("{}: \"{}\"", fault, found->text));
  *found = list ? read_document(path, std::size_t{1} << 30) : read_extended(path);
}

std::vector<double> Reader::numbers_or_file(std::string_view key, NumberKey each) {
  inline_file(key, true);
  std::vector<double> values = numbers(key, each);
  describe_as("numbers or file");
  return values;
}

void Reader::objects_or_file(std::string_view key, std::string_view help, const std::function<void(Reader&)>& read) {
  inline_file(key, true);
  objects(key, help, read);
  describe_as("objects or file");
}

void Reader::document(std::string_view key, std::string_view help, const std::function<void(Reader&)>& read) {
  inline_file(key);
  object(key, help, read, true);
  describe_as("document");
}

void Reader::describe_as(std::string_view type) {
  if (description_) description_->keys.back().type = type;
}

std::string Reader::data_path(std::string_view key, std::string_view help) {
  declare(key, "path", help, false);
  if (!value(key, false, "")) return "";
  Node& found = *node_->find(key);
  if (found.kind != Kind::text) fail(key, fmt::format("must be a path, not {}", found.show()));
  const std::filesystem::path path = resolve_path(found.place, found.text);
  std::error_code error;
  if (found.text.empty() || !std::filesystem::exists(path, error))
    fail(key, fmt::format("no such file or folder: \"{}\"", found.text));
  constexpr std::size_t largest = std::size_t{16} << 30;
  Digest digest;
  if (std::filesystem::is_directory(path, error)) {
    std::set<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path, error))
      if (entry.is_regular_file(error)) files.insert(entry.path());
    if (error) fail(key, fmt::format("cannot be read: {}: \"{}\"", error.message(), found.text));
    for (const auto& file : files) digest.add(file.filename().string()).add(read_file(file.string(), largest));
  } else {
    digest.add(read_file(path.string(), largest));
  }
  found.digest = digest.hex();
  found.text = std::filesystem::absolute(path).string();
  return found.text;
}

const Node& Reader::own_kind(const Kinds& registry) {
  const Node* kind =
      value("kind", true, fmt::format("which {}; there are: {}", registry.name(), join(registry.kinds())));
  need("kind");
  if (kind->kind != Kind::text) fail("kind", fmt::format("must be a text, not {}", kind->show()));
  return *kind;
}

void Reader::read_kind(std::string_view key, const Kinds& registry, const KindKey& spec, const ReadKind& read) {
  if (KeyDescription* described = declare(key, "kind", spec.help, spec.fallback.empty())) {
    described->registry = &registry;
    if (!spec.fallback.empty()) described->fallback = fmt::format("{{\"kind\": \"{}\"}}", spec.fallback);
    return;
  }
  const Node* found =
      value(key, spec.fallback.empty(),
            fmt::format("{}, as in {{\"kind\": \"{}\"}}", with_article(registry.name()), registry.kinds().front()));
  if (!found && spec.fallback.empty()) return;
  Node own = Node::of_kind(spec.fallback);
  own.place = node_->place;
  Node& object = found ? *node_->find(key) : own;
  if (object.kind == Kind::text)
    fail(key, fmt::format("must be an object, as in {{\"kind\": \"{}\"}}, not {}", object.text, object.show()));
  Reader in = inside(object, pointer_to(key));
  read(in, in.own_kind(registry));
}

void Reader::expand_name(std::string_view key) {
  Node* found = node_ ? node_->find(key) : nullptr;
  if (!found || found->kind != Kind::text) return;
  Node object = Node::of_kind(found->text);
  object.place = object.members.front().value.place = found->place;
  *found = std::move(object);
}

void Reader::read_kinds(std::string_view key, const Kinds& registry, std::string_view help, const ReadKind& read) {
  if (KeyDescription* described = declare(key, "kinds", help, false)) {
    described->registry = &registry;
    return;
  }
  if (!value(key, false, "")) return;
  Node& list = *node_->find(key);
  if (list.kind != Kind::array) fail(key, fmt::format("must be a list, not {}", list.show()));
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    Reader in = inside(list.items[i], fmt::format("{}/{}", pointer_to(key), i));
    read(in, in.own_kind(registry));
  }
}

void Reader::ignore(std::string_view key, std::string_view type, std::string_view help) {
  declare(key, type, help, false);
  value(key, false, "");
}

}  // namespace paceline
