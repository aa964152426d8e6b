// Reader: one object of a scenario, read key by key; each read declares the key: its type, unit, bounds, default, help.
// A missing value without a default, a wrong type, unit or bound, and a key that nobody read are ConfigErrors.
//
// The same function run over a describing Reader (no document behind it) yields the Description that `list`, `explain`
// and the JSON Schema are made of. Therefore every key is read unconditionally: never `if (in.flag("a"))
// in.number("b")`.
#pragma once
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/document.hpp"
#include "sim/core/units.hpp"

namespace paceline {

class Kinds;
template <class Maker>
class Registry;

// What a key takes.
struct KeyDescription {
  std::string name, type, help;
  std::string fallback;  // as JSON; empty and not required: it may be left out
  bool required = false;
  std::optional<double> minimum, maximum;
  bool above_minimum = false;  // the minimum itself is excluded
  std::optional<Dimension> dimension;
  std::vector<std::string> choices;
  const Kinds* registry = nullptr;   // of a kind, or of a list of kinds
  std::vector<KeyDescription> keys;  // of an object
};
struct Description {
  std::string about;  // one line: what it is, the paper
  std::vector<KeyDescription> keys;
};

// The declarations. Without a fallback the key is required.
struct IntegerKey {
  std::int64_t minimum = std::numeric_limits<std::int64_t>::min(), maximum = std::numeric_limits<std::int64_t>::max();
  std::optional<std::int64_t> fallback{};
  std::string_view help{};
};
struct NumberKey {
  double minimum = -std::numeric_limits<double>::infinity(), maximum = std::numeric_limits<double>::infinity();
  bool above_minimum = false;
  std::optional<double> fallback{};
  std::string_view help{};
};
struct QuantityKey {  // in seconds, bytes per second, bytes, FLOP per second
  double minimum = 0, maximum = std::numeric_limits<double>::infinity();
  bool above_minimum = false;
  std::optional<double> fallback{};  // infinity: "never", NaN: may be left out
  std::string_view help{};
};
struct TableKey {
  bool required = true;  // left out otherwise: empty
  bool gaps = false;
};
struct TextKey {
  std::vector<std::string> choices{};
  std::optional<std::string> fallback{};
  std::string_view help{};
};
struct KindKey {
  std::string_view fallback{};  // the kind taken when the key is left out
  std::string_view help{};
};

class Reader {
 public:
  // What all readers of one document share.
  struct Context {
    int workers = 1;  // cluster.workers, once read: worker lists are checked against it
    std::uint64_t seed = 0;
    std::vector<std::string> notes;  // what a user should know of the defaults that were taken
  };

  Reader(Node& object, std::string pointer, Context& context);
  explicit Reader(Description& description);

  void about(std::string_view line);  // what this kind is, in one line

  std::int64_t integer(std::string_view key, IntegerKey spec);
  double number(std::string_view key, NumberKey spec);
  bool boolean(std::string_view key, bool fallback, std::string_view help);
  std::string text(std::string_view key, TextKey spec);
  double duration(std::string_view key, QuantityKey spec) { return quantity(key, Dimension::duration, spec); }
  double bandwidth(std::string_view key, QuantityKey spec) { return quantity(key, Dimension::bandwidth, spec); }
  double bytes(std::string_view key, QuantityKey spec) { return quantity(key, Dimension::bytes, spec); }
  double compute(std::string_view key, QuantityKey spec) { return quantity(key, Dimension::compute, spec); }

  // Left out: empty.
  std::vector<std::int64_t> integers(std::string_view key, IntegerKey each);
  // A list of integers, or one of the choices (an empty list, and the choice in `chosen`).
  std::vector<std::int64_t> choice_or_integers(std::string_view key, TextKey choice, IntegerKey each,
                                               std::string& chosen);
  // An integer for every worker, or a list with one for each; one by worker.
  std::vector<std::int64_t> per_worker(std::string_view key, IntegerKey each);
  std::vector<double> numbers(std::string_view key, NumberKey each);  // left out: empty
  std::vector<std::string> texts(std::string_view key, std::string_view help);
  // Rows of numbers; where gaps are allowed a null is one, and NaN here.
  std::vector<std::vector<double>> table(std::string_view key, std::string_view help, TableKey spec = {});
  std::optional<std::int64_t> optional_integer(std::string_view key, IntegerKey spec);
  std::optional<double> optional_number(std::string_view key, NumberKey spec);
  std::optional<double> optional_duration(std::string_view key, QuantityKey spec);
  std::optional<double> optional_bandwidth(std::string_view key, QuantityKey spec);
  std::optional<double> optional_bytes(std::string_view key, QuantityKey spec);
  // A duration, or the name of a rule that gives one (empty).
  std::optional<double> duration_or(std::string_view key, std::string_view name, QuantityKey spec);
  // Workers as "3", "0-3,7" or [0, 1]; sorted, each once.
  std::vector<int> workers(std::string_view key, std::string_view help);
  std::vector<int> workers_or_all(std::string_view key, std::string_view help);  // left out: all

  // An object with its own keys. Optional ones that are left out are read as {}; returns whether it was there.
  bool object(std::string_view key, std::string_view help, const std::function<void(Reader&)>& read,
              bool required = false);
  void objects(std::string_view key, std::string_view help, const std::function<void(Reader&)>& read);
  // An object, or the path of a file that holds it, which takes the path's place in the document.
  void document(std::string_view key, std::string_view help, const std::function<void(Reader&)>& read);
  // A list, or the path of a file that holds it.
  std::vector<double> numbers_or_file(std::string_view key, NumberKey each);
  void objects_or_file(std::string_view key, std::string_view help, const std::function<void(Reader&)>& read);
  // A folder or a file of data, named by its content in the document's hash. Left out: "".
  std::string data_path(std::string_view key, std::string_view help);

  template <class Maker>
  Maker kind(std::string_view key, const Registry<Maker>& registry, KindKey spec);
  template <class Maker>
  std::vector<Maker> kinds(std::string_view key, const Registry<Maker>& registry, std::string_view help);
  // A kind, or its name, where its own keys have defaults: "ring" is {"kind": "ring"}.
  template <class Maker>
  Maker kind_or_name(std::string_view key, const Registry<Maker>& registry, KindKey spec) {
    expand_name(key);
    Maker maker = kind(key, registry, spec);
    describe_as("kind or name");
    return maker;
  }
  // A kind, or the path of a file that holds it.
  template <class Maker>
  Maker kind_or_file(std::string_view key, const Registry<Maker>& registry, KindKey spec) {
    inline_file(key);
    Maker maker = kind(key, registry, spec);
    describe_as("kind or file");
    return maker;
  }

  // Accepts and ignores a key.
  void ignore(std::string_view key, std::string_view type, std::string_view help);

  bool describing() const { return description_ != nullptr; }
  bool has(std::string_view key) const { return node_ && node_->find(key); }
  bool present() const { return !absent_; }  // this object is written in the document
  Context& context() { return *context_; }

  // Tells the user about a key, without failing.
  void note(std::string_view key, std::string_view text);
  // Throws ConfigError at the key's value, or at this object when there is none.
  [[noreturn]] void fail(std::string_view key, std::string_view rule) const;
  // Reports at once that a required key is missing, or a misspelt one in its place: for a key that others depend on.
  void need(std::string_view key);
  // Rejects keys that nobody read, then reports a missing one.
  void finish();

 private:
  using ReadKind = std::function<void(Reader&, const Node& kind)>;
  friend class Kinds;
  template <class Maker>
  friend class Registry;

  KeyDescription* declare(std::string_view key, std::string_view type, std::string_view help, bool required);
  const Node* value(std::string_view key, bool required, std::string_view what);
  double quantity(std::string_view key, Dimension dimension, const QuantityKey& spec);
  std::optional<double> optional_quantity(std::string_view key, Dimension dimension, QuantityKey spec);
  std::string pointer_to(std::string_view key) const;
  Reader inside(Node& object, std::string pointer) { return Reader(object, std::move(pointer), *context_); }
  const Node& own_kind(const Kinds& registry);
  void read_kind(std::string_view key, const Kinds& registry, const KindKey& spec, const ReadKind& read);
  void read_kinds(std::string_view key, const Kinds& registry, std::string_view help, const ReadKind& read);
  void inline_file(std::string_view key, bool list = false);
  std::vector<int> read_workers(std::string_view key, const Node& found);
  void expand_name(std::string_view key);
  void describe_as(std::string_view type);  // the key that was declared last
  std::int64_t checked(std::string_view key, const Node& value, const IntegerKey& spec,
                       const std::string& pointer) const;
  double checked(const Node& value, const NumberKey& spec, const std::string& pointer) const;
  [[noreturn]] void reject(const Node& value, const std::string& pointer, std::string_view rule) const;

  Node* node_ = nullptr;  // the object; null while describing
  std::string pointer_;
  Context own_context_;  // while describing
  Context* context_;
  Description* description_ = nullptr;
  std::vector<std::string> known_;
  bool absent_ = false;
  std::string missing_;  // the first key that should have been there
};

}  // namespace paceline
