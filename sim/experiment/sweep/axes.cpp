#include "sim/experiment/sweep/axes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "sim/core/digest.hpp"
#include "sim/core/random.hpp"

namespace paceline {
namespace {

constexpr std::size_t most_values_of_axis = 100'000;

// A number, perhaps with a unit behind it.
struct Bound {
  double value = 0;
  bool whole = false;
  std::string unit;
};

class Range {
 public:
  Range(const std::string& key, const Node& written) : pointer_("/axes/" + key), node_(written) {
    static const std::vector<std::string> known{"from", "to", "factor", "step", "random", "latin", "log", "real"};
    for (const Member& member : written.members)
      if (std::find(known.begin(), known.end(), member.key) == known.end())
        throw ConfigError(member.place, pointer_ + "/" + member.key,
                          "unknown key" + did_you_mean_one_of(member.key, known));
    int ways = 0;
    for (const char* way : {"factor", "step", "random", "latin"}) ways += written.find(way) != nullptr;
    if (ways != 1)
      fail(written, "",
           "an axis is a list of values, or an object with \"from\", \"to\" and one of \"factor\", \"step\", "
           "\"random\", \"latin\"");
    from_ = bound("from");
    to_ = bound("to");
    if (from_.unit != to_.unit)
      fail(*written.find("to"), "/to", fmt::format("must have the unit of \"from\", \"{}\"", from_.unit));
    if (to_.value < from_.value) fail(*written.find("to"), "/to", "must not be less than \"from\"");
    if (written.find("log") && !draws())
      fail(*written.find("log"), "/log", "belongs to \"random\" and \"latin\"; a range in factors has \"factor\"");
  }

  std::vector<Node> values(std::uint64_t seed) const {
    if (node_.find("factor")) return by_factor();
    if (node_.find("step")) return by_step();
    return drawn(seed);
  }

 private:
  [[noreturn]] void fail(const Node& at, std::string_view key, const std::string& rule) const {
    throw ConfigError(at.place, fmt::format("{}{}", pointer_, key), rule);
  }
  bool draws() const { return node_.find("random") || node_.find("latin"); }

  Bound bound(const char* key) const {
    const Node* found = node_.find(key);
    if (!found) fail(node_, "", fmt::format("\"{}\" is missing", key));
    Bound made{found->number, found->kind == Node::Kind::integer, ""};
    if (found->kind == Node::Kind::text) {
      const char *begin = found->text.data(), *end = begin + found->text.size();
      const auto [rest, error] = std::from_chars(begin, end, made.value);
      if (error != std::errc{}) fail(*found, fmt::format("/{}", key), "must be a number, or a text as in \"10Gbps\"");
      made.whole = made.value == std::floor(made.value);
      made.unit = std::string(rest, end);
    } else if (found->kind != Node::Kind::integer && found->kind != Node::Kind::number) {
      fail(*found, fmt::format("/{}", key), fmt::format("must be a number, not {}", found->show()));
    }
    return made;
  }

  bool flag(const char* key) const {
    const Node* const found = node_.find(key);
    if (found && found->kind != Node::Kind::boolean)
      fail(*found, fmt::format("/{}", key), fmt::format("must be true or false, not {}", found->show()));
    return found && found->boolean;
  }

  // Twelve digits: 3 · 0.1 is 0.3.
  Node value(double number, bool whole, int digits = 12) const {
    Node node;
    node.place = node_.place;
    const std::string text = fmt::format("{:.{}g}", number, digits);
    if (!from_.unit.empty()) {
      node.kind = Node::Kind::text;
      node.text = text + from_.unit;
    } else if (whole) {
      node.kind = Node::Kind::integer;
      node.integer = std::int64_t(std::llround(number));
      node.number = double(node.integer);
    } else {
      node.kind = Node::Kind::number;
      node.number = std::stod(text);
    }
    return node;
  }

  std::vector<Node> by_factor() const {
    const Bound factor = bound("factor");
    if (!(factor.value > 1)) fail(*node_.find("factor"), "/factor", "must be above 1");
    if (!(from_.value > 0)) fail(*node_.find("from"), "/from", "must be above 0, as it is multiplied");
    std::vector<Node> made;
    for (double at = from_.value; at <= to_.value * (1 + 1e-9); at *= factor.value)
      made.push_back(checked(value(at, from_.whole && factor.whole), made.size()));
    return made;
  }
  std::vector<Node> by_step() const {
    const Bound step = bound("step");
    if (step.unit != from_.unit) fail(*node_.find("step"), "/step", "must have the unit of \"from\"");
    if (!(step.value > 0)) fail(*node_.find("step"), "/step", "must be above 0");
    std::vector<Node> made;
    for (std::size_t i = 0; from_.value + double(i) * step.value <= to_.value + 1e-9 * step.value; ++i)
      made.push_back(checked(value(from_.value + double(i) * step.value, from_.whole && step.whole), i));
    return made;
  }
  Node checked(Node node, std::size_t index) const {
    if (index >= most_values_of_axis) fail(node_, "", fmt::format("has more than {} values", most_values_of_axis));
    return node;
  }

  std::vector<Node> drawn(std::uint64_t seed) const {
    const bool latin = node_.find("latin") != nullptr;
    const Node& count = *node_.find(latin ? "latin" : "random");
    if (count.kind != Node::Kind::integer || count.integer < 1 || count.integer > std::int64_t(most_values_of_axis))
      fail(count, latin ? "/latin" : "/random",
           fmt::format("must be how many values, 1 to {}, not {}", most_values_of_axis, count.show()));
    const bool log = flag("log");
    if (log && !(from_.value > 0)) fail(*node_.find("from"), "/from", "must be above 0 with \"log\"");
    const auto n = std::size_t(count.integer);
    std::uint64_t entity = 0;
    const std::string name = Digest().add(pointer_).hex().substr(0, 16);
    std::from_chars(name.data(), name.data() + name.size(), entity, 16);
    const Stream within(seed, "sweep sample", entity), order(seed, "sweep order", entity);
    std::vector<std::size_t> part(n);
    for (std::size_t i = 0; i < n; ++i) part[i] = i;
    for (std::size_t i = n; i > 1; --i) std::swap(part[i - 1], part[order.below(i, i)]);
    std::vector<Node> made;
    for (std::size_t i = 0; i < n; ++i) {
      const double u = within.uniform(i);
      made.push_back(sample(latin ? (double(part[i]) + u) / double(n) : u, log));
    }
    return made;
  }
  // Integers share [from, to + 1) equally.
  Node sample(double u, bool log) const {
    const bool whole = from_.whole && to_.whole && from_.unit.empty() && !flag("real");
    const double low = from_.value, high = to_.value + (whole ? 1 : 0);
    const double at = log ? low * std::exp(u * std::log(high / low)) : low + u * (high - low);
    if (whole) return value(std::clamp(std::floor(at), from_.value, to_.value), true);
    return value(std::clamp(std::stod(fmt::format("{:.6g}", at)), from_.value, to_.value), false, 6);
  }

  std::string pointer_;
  const Node& node_;
  Bound from_, to_;
};

}  // namespace

Axis read_axis(const std::string& key, const Node& written, std::uint64_t seed) {
  Axis axis{key, {}, written.place};
  if (written.kind == Node::Kind::array) axis.values = written.items;
  else if (written.kind == Node::Kind::object) axis.values = Range(key, written).values(seed);
  else
    throw ConfigError(written.place, "/axes/" + key,
                      fmt::format("must be a list of values, or a range, not {}", written.show()));
  if (axis.values.empty()) throw ConfigError(written.place, "/axes/" + key, "has no values");
  return axis;
}

}  // namespace paceline
