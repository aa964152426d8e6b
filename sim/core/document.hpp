// A JSON document that knows where each value was written: JSON (RFC 8259) with // and /* */ comments.
// Duplicate keys, nesting deeper than 64 and files above a size are errors. A number with no fraction is an integer.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/errors.hpp"

namespace paceline {

struct Member;

struct Node {
  enum class Kind { null, boolean, integer, number, text, array, object };

  Kind kind = Kind::null;
  bool boolean = false;
  std::int64_t integer = 0;
  double number = 0;  // of an integer, too
  std::string text;
  std::vector<Node> items;
  std::vector<Member> members;
  Place place;
  std::string digest;  // stands for the value where a document is named by content: a file's path

  static Node of_kind(std::string_view kind);  // {"kind": …}
  static Node of_text(std::string text);
  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  std::string dump(int indent = -1) const;  // JSON; -1: on one line, keys sorted
  std::string canonical() const;            // on one line, keys sorted, digests in place of values that have one
  std::string show() const;                 // for an error: "text "abc"", "3", "an array"
};

struct Member {
  std::string key;
  Node value;
  Place place;  // of the key
};

constexpr std::size_t largest_document = std::size_t{64} << 20;
constexpr std::size_t most_values = 4'000'000;  // of one document
constexpr std::size_t deepest_document = 64;    // levels

// Throws ConfigError. `name` is what errors call the file.
Node parse_document(std::string_view text, const std::string& name);
Node read_document(const std::string& path, std::size_t largest = largest_document);

// Reads a file and what it extends ("extends": a path or a list of paths, relative to the file): objects are merged
// deeply, arrays are replaced, later wins, the file itself last. A cycle is an error.
Node read_extended(const std::string& path);

// over's members win; members of members are merged; all else is replaced.
void merge(Node& base, Node over);

// KEY=VALUE, as of --set: a dotted path (numbers index arrays) and a JSON value; what is not JSON is text.
void set_path(Node& root, const std::string& assignment);
// The same with a value that has a place of its own: keys that it makes, and errors, have that place.
void set_path(Node& root, std::string_view keys, Node value);

// `path` as seen from the file in which it was written.
std::string resolve_path(const Place& written_in, const std::string& path);

// Why a file cannot be read ("no such file", "a folder, not a file"), or "".
std::string file_fault(const std::string& path);

// A file's bytes. Throws ConfigError("… cannot be read: …").
std::string read_file(const std::string& path, std::size_t largest);

}  // namespace paceline
