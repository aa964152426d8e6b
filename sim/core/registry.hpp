// Registry: the kinds of one thing (strategies, topologies, models, …), each a name and a function that reads its keys
// and returns a maker. Kind "ssp" = file ssp.cpp = function ssp = one line in its folder's registry.cpp.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "sim/core/reader.hpp"

namespace paceline {

// What is the same for all registries: names, and descriptions for `list`, `explain` and the schema.
class Kinds {
 public:
  explicit Kinds(std::string name) : name_(std::move(name)) {}
  virtual ~Kinds() = default;
  const std::string& name() const { return name_; }  // "strategy"
  const std::vector<std::string>& kinds() const { return kinds_; }
  virtual Description describe(std::size_t kind) const = 0;

 protected:
  std::size_t find(Reader& in, const Node& kind) const;  // throws ConfigError with the nearest kind

  std::string name_;
  std::vector<std::string> kinds_;
};

template <class Maker>
class Registry : public Kinds {
 public:
  using Read = Maker (*)(Reader&);
  struct Entry {
    std::string name;
    Read read;
  };

  Registry(std::string name, std::initializer_list<Entry> entries) : Kinds(std::move(name)) {
    for (const Entry& entry : entries) {  // a kind that is a keyword of C++ has an underscore after it: auto_
      kinds_.push_back(entry.name.ends_with('_') ? entry.name.substr(0, entry.name.size() - 1) : entry.name);
      reads_.push_back(entry.read);
    }
  }

  // Reads an object {"kind": …, the kind's own keys}.
  Maker read(Reader& in, const Node& kind) const {
    Maker maker = reads_[find(in, kind)](in);
    in.finish();
    return maker;
  }
  // A kind by its name, with its defaults.
  Maker named(const std::string& kind) const {
    Reader::Context context;
    Node object = Node::of_kind(kind);
    Reader in(object, "", context);
    in.ignore("kind", "text", "");
    return read(in, *object.find("kind"));
  }
  Description describe(std::size_t kind) const override {
    Description description;
    Reader in(description);
    reads_[kind](in);
    return description;
  }

 private:
  std::vector<Read> reads_;
};

template <class Maker>
Maker Reader::kind(std::string_view key, const Registry<Maker>& registry, KindKey spec) {
  Maker maker{};
  read_kind(key, registry, spec, [&](Reader& in, const Node& kind) { maker = registry.read(in, kind); });
  return maker;
}

template <class Maker>
std::vector<Maker> Reader::kinds(std::string_view key, const Registry<Maker>& registry, std::string_view help) {
  std::vector<Maker> makers;
  read_kinds(key, registry, help, [&](Reader& in, const Node& kind) { makers.push_back(registry.read(in, kind)); });
  return makers;
}

}  // namespace paceline

// A folder's registry.cpp, from one list with a line a kind:
//   #define KINDS(kind) kind(async) kind(ssp)
//   PACELINE_REGISTRY(StrategyMaker, strategies, "strategy", KINDS)      // defines strategies::all()
#define PACELINE_DECLARE_KIND(name) Made name(Reader& in);
#define PACELINE_LIST_KIND(name) {#name, name},
#define PACELINE_REGISTRY(Maker, space, what, KINDS)                      \
  namespace paceline::space {                                             \
  using Made = Maker;                                                     \
  KINDS(PACELINE_DECLARE_KIND)                                            \
  const Registry<Made>& all() {                                           \
    static const Registry<Made> table(what, {KINDS(PACELINE_LIST_KIND)}); \
    return table;                                                         \
  }                                                                       \
  }
