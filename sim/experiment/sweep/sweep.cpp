#include "sim/experiment/sweep/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "sim/experiment/parse.hpp"

namespace paceline {
namespace {

constexpr std::size_t most_runs = 1'000'000;
constexpr std::int64_t most_seeds = 100'000;

struct Keys {
  std::string name, combine;
  std::uint64_t seed = 1;
};

Keys read_keys(Reader& in) {
  Keys keys;
  in.ignore("$schema", "text", "for editors");
  in.integer("schema_version", {.minimum = 1, .maximum = 1, .fallback = 1, .help = "of this format"});
  in.ignore("extends", "text or texts", "another sweep file, or several, as in scenarios");
  keys.name = in.text("name", {.fallback = "", .help = "of the folder; by default that of the file"});
  in.text("description", {.fallback = "", .help = "what it shows"});
  in.ignore("scenario", "scenario or file", "what all runs have in common: a path, or a scenario itself");
  in.ignore("axes", "axes",
            "by dotted key of the scenario a list of values, or {\"from\", \"to\", \"factor\"}, {\"from\", \"to\", "
            "\"step\"}, {\"random\": N, \"from\", \"to\", \"log\"}, {\"latin\": N, \"from\", \"to\", \"log\"}");
  keys.combine = in.text("combine", {.choices = {"grid", "zip"},
                                     .fallback = "grid",
                                     .help = "all combinations of the axes' values, or values of one index together"});
  in.ignore("where", "text or texts",
            "conditions, as in \"cluster.workers >= 2 * training.strategy.staleness\": all must hold");
  in.ignore("seeds", "integer or integers",
            "each configuration runs with every one; a count: so many from the scenario's on; by default that alone");
  keys.seed = std::uint64_t(in.integer("seed", {.minimum = 0, .fallback = 1, .help = "of random and latin samples"}));
  in.ignore("baseline", "axes", "values of axes: the configuration that efficiency and speed-up are measured against");
  return keys;
}

[[noreturn]] void fail(const Node& at, const std::string& pointer, const std::string& rule) {
  throw ConfigError(at.place, pointer, rule);
}

// A scenario that is written in the sweep file, with what it extends.
Node inline_scenario(Node own) {
  const auto entry =
      std::find_if(own.members.begin(), own.members.end(), [](const Member& m) { return m.key == "extends"; });
  if (entry == own.members.end()) return own;
  const Node list = std::move(entry->value);
  own.members.erase(entry);
  Node base;
  base.kind = Node::Kind::object;
  const auto extend = [&](const Node& name) {
    if (name.kind != Node::Kind::text) fail(name, "/scenario/extends", "must be a path or a list of paths");
    merge(base, read_extended(resolve_path(name.place, name.text)));
  };
  if (list.kind == Node::Kind::array) std::for_each(list.items.begin(), list.items.end(), extend);
  else extend(list);
  merge(base, std::move(own));
  return base;
}

void read_scenario_of(const Node& root, Sweep& sweep) {
  const Node* const written = root.find("scenario");
  if (!written) fail(root, "", "\"scenario\" is missing: the path of what all runs have in common");
  sweep.scenario_name = sweep.name;
  if (written->kind == Node::Kind::object) {
    sweep.scenario = inline_scenario(*written);
    return;
  }
  if (written->kind != Node::Kind::text)
    fail(*written, "/scenario", fmt::format("must be a path or an object, not {}", written->show()));
  const std::string path = resolve_path(written->place, written->text);
  if (const std::string fault = file_fault(path); !fault.empty())
    fail(*written, "/scenario", fmt::format("{}: \"{}\"", fault, written->text));
  sweep.scenario = read_extended(path);
  sweep.scenario_name = std::filesystem::path(path).stem().string();
}

bool covers(std::string_view outer, std::string_view inner) {
  return inner == outer || (inner.starts_with(outer) && inner.size() > outer.size() && inner[outer.size()] == '.');
}

void read_axes(const Node& root, std::uint64_t seed, Sweep& sweep) {
  const Node* const written = root.find("axes");
  if (!written) return;
  if (written->kind != Node::Kind::object)
    fail(*written, "/axes", fmt::format("must be an object of values by dotted key, not {}", written->show()));
  for (const Member& member : written->members) {
    Axis axis = read_axis(member.key, member.value, seed);
    if (member.key == "seed") fail(axis.values[0], "/axes/seed", "seeds are no axis: they are \"seeds\" of the sweep");
    for (const Axis& before : sweep.axes)
      if (covers(axis.key, before.key))
        fail(member.value, "/axes/" + axis.key,
             fmt::format("overwrites the axis \"{}\": put that one behind it", before.key));
    sweep.axes.push_back(std::move(axis));
  }
  if (!sweep.zip) return;
  for (const Axis& axis : sweep.axes)
    if (axis.values.size() != sweep.axes[0].values.size())
      throw ConfigError(axis.place, "/axes/" + axis.key,
                        fmt::format("has {} values and \"{}\" has {}: under \"zip\" all have the same number",
                                    axis.values.size(), sweep.axes[0].key, sweep.axes[0].values.size()));
}

void read_seeds(const Node& root, Sweep& sweep) {
  const Node* const own = sweep.scenario.find("seed");
  const std::uint64_t first = own && own->kind == Node::Kind::integer ? std::uint64_t(own->integer) : 1;
  const Node* const written = root.find("seeds");
  sweep.seeds = {first};
  if (!written) return;
  if (written->kind == Node::Kind::integer) {
    if (written->integer < 1 || written->integer > most_seeds)
      fail(*written, "/seeds", fmt::format("must be 1 to {} seeds, not {}", most_seeds, written->integer));
    for (std::int64_t i = 1; i < written->integer; ++i) sweep.seeds.push_back(first + std::uint64_t(i));
    return;
  }
  if (written->kind != Node::Kind::array || written->items.empty())
    fail(*written, "/seeds", fmt::format("must be a list of seeds, or how many, not {}", written->show()));
  sweep.seeds.clear();
  for (const Node& item : written->items) {
    if (item.kind != Node::Kind::integer || item.integer < 0)
      fail(item, "/seeds", fmt::format("a seed is an integer of at least 0, not {}", item.show()));
    const auto seed = std::uint64_t(item.integer);
    if (std::find(sweep.seeds.begin(), sweep.seeds.end(), seed) != sweep.seeds.end())
      fail(item, "/seeds", fmt::format("{} is there twice", seed));
    sweep.seeds.push_back(seed);
  }
}

void read_where(const Node& root, Sweep& sweep) {
  const Node* const written = root.find("where");
  if (!written) return;
  if (written->kind != Node::Kind::array) {
    sweep.where.emplace_back(*written, "/where");
    return;
  }
  for (std::size_t i = 0; i < written->items.size(); ++i)
    sweep.where.emplace_back(written->items[i], fmt::format("/where/{}", i));
}

void read_baseline(const Node& root, Sweep& sweep) {
  const Node* const written = root.find("baseline");
  if (!written) return;
  if (written->kind != Node::Kind::object || written->members.empty())
    fail(*written, "/baseline", "must be an object with values of axes");
  std::vector<std::string> keys;
  for (const Axis& axis : sweep.axes) keys.push_back(axis.key);
  for (const Member& member : written->members) {
    const auto axis =
        std::find_if(sweep.axes.begin(), sweep.axes.end(), [&](const Axis& each) { return each.key == member.key; });
    if (axis == sweep.axes.end())
      throw ConfigError(member.place, "/baseline/" + member.key,
                        "no such axis" + did_you_mean_one_of(member.key, keys));
    const std::string value = member.value.canonical();
    if (std::none_of(axis->values.begin(), axis->values.end(), [&](const Node& v) { return v.canonical() == value; }))
      fail(member.value, "/baseline/" + member.key, fmt::format("{} is none of the axis' values", member.value.show()));
  }
  sweep.baseline = written->dump();
}

std::size_t size_of_grid(const Sweep& sweep, const Node& root) {
  std::size_t size = sweep.seeds.size();
  for (const Axis& axis : sweep.axes) {
    if (!sweep.zip || &axis == sweep.axes.data()) size *= axis.values.size();
    if (size > most_runs) fail(root, "/axes", fmt::format("make more than {} runs", most_runs));
  }
  return size;
}

}  // namespace

bool is_sweep(const Node& document) {
  return document.kind == Node::Kind::object && (document.find("axes") || document.find("scenario"));
}

Description describe_sweep() {
  Description description;
  Reader in(description);
  read_keys(in);
  return description;
}

Sweep read_sweep(Node document, const std::string& name, const std::vector<std::string>& assignments) {
  Reader::Context context;
  Reader in(document, "", context);
  const Keys keys = read_keys(in);
  in.finish();
  Sweep sweep;
  sweep.name = keys.name.empty() ? name : keys.name;
  if (sweep.name.find_first_of("/\\") != std::string::npos || sweep.name[0] == '.' || sweep.name.size() > 100)
    in.fail("name", "names a folder, so it must be 1 to 100 characters, no slash among them and no dot in front");
  sweep.zip = keys.combine == "zip";
  read_scenario_of(document, sweep);
  read_axes(document, keys.seed, sweep);
  for (const std::string& assignment : assignments) {
    const std::string key = assignment.substr(0, assignment.find('='));
    for (const Axis& axis : sweep.axes)
      if (covers(axis.key, key) || covers(key, axis.key))
        throw ConfigError({std::make_shared<std::string>("--set " + assignment)}, "",
                          fmt::format("\"{}\" is an axis of the sweep, whose values are in the file", axis.key));
    set_key(sweep.scenario, assignment);
  }
  read_seeds(document, sweep);
  size_of_grid(sweep, document);
  read_where(document, sweep);
  read_baseline(document, sweep);
  *document.find("scenario") = sweep.scenario;
  sweep.resolved = document.dump(2) + "\n";
  return sweep;
}

Sweep read_sweep(const std::string& path, const std::vector<std::string>& assignments) {
  Node document = read_extended(path);
  if (!is_sweep(document))
    throw ConfigError(document.place, "", "is no sweep: it has neither \"axes\" nor \"scenario\"");
  return read_sweep(std::move(document), std::filesystem::path(path).stem().string(), assignments);
}

std::vector<std::vector<std::size_t>> combinations(const Sweep& sweep) {
  std::vector<std::vector<std::size_t>> made;
  if (sweep.zip && !sweep.axes.empty()) {
    for (std::size_t i = 0; i < sweep.axes[0].values.size(); ++i) made.emplace_back(sweep.axes.size(), i);
    return made;
  }
  std::vector<std::size_t> indices(sweep.axes.size(), 0);
  for (;;) {
    made.push_back(indices);
    std::size_t a = indices.size();
    while (a > 0 && ++indices[a - 1] == sweep.axes[a - 1].values.size()) indices[--a] = 0;
    if (a == 0) return made;
  }
}

Node scenario_of(const Sweep& sweep, const std::vector<std::size_t>& indices, std::uint64_t seed) {
  Node scenario = sweep.scenario;
  for (std::size_t a = 0; a < sweep.axes.size(); ++a)
    set_key(scenario, sweep.axes[a].key, sweep.axes[a].values[indices[a]]);
  Node number;
  number.kind = Node::Kind::integer;
  number.integer = std::int64_t(seed);
  number.number = double(seed);
  set_path(scenario, "seed", number);
  return scenario;
}

}  // namespace paceline
