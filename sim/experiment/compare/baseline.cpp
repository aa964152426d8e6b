#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sim/core/errors.hpp"
#include "sim/experiment/compare/comparison.hpp"

namespace paceline::compare {
namespace {

// The axis that a key of the baseline is about: itself, or one whose objects hold it.
std::string axis_of(const Json& axes, const std::string& key) {
  if (axes.contains(key)) return key;
  for (const auto& [axis, value] : axes.items())
    if (key.starts_with(axis + ".")) return axis;
  return "";
}

const Json* value_of(const Json& axes, const std::string& key) {
  const std::string axis = axis_of(axes, key);
  if (axis.empty()) return nullptr;
  return axis == key ? &axes.at(axis) : descend(axes.at(axis), key.substr(axis.size() + 1));
}

bool has(const Configuration& configuration, const Json& baseline) {
  for (const auto& [key, value] : baseline.items()) {
    const Json* own = value_of(configuration.axes, key);
    if (!own || *own != value) return false;
  }
  return true;
}

[[noreturn]] void complain(const std::vector<Configuration>& all, const Json& baseline) {
  std::vector<std::string> names;
  for (const auto& [axis, value] : all.front().axes.items()) names.push_back(axis);
  for (const auto& [key, value] : baseline.items()) {
    std::vector<std::string> values;
    bool known = false;
    for (const Configuration& each : all) {
      known = known || !axis_of(each.axes, key).empty();
      const Json* own = value_of(each.axes, key);
      if (own && std::find(values.begin(), values.end(), own->dump()) == values.end()) values.push_back(own->dump());
    }
    if (!known)
      throw ConfigError(
          fmt::format("baseline: {} is not an axis{}", key,
                      names.empty() ? "; there is one configuration only" : did_you_mean_one_of(key, names)));
    if (values.size() > 12) {
      values.resize(12);
      values.emplace_back("...");
    }
    if (std::find(values.begin(), values.end(), value.dump()) == values.end())
      throw ConfigError(fmt::format("baseline: no configuration has {} = {}; there are: {}", key, value.dump(),
                                    fmt::join(values, ", ")));
  }
  throw ConfigError(fmt::format("baseline: no configuration has all of {}", baseline.dump()));
}

}  // namespace

std::vector<std::optional<std::size_t>> find_baselines(const std::vector<Configuration>& all, const Json& baseline) {
  if (baseline.is_null() || baseline.empty()) return std::vector<std::optional<std::size_t>>(all.size(), 0);
  // What is left of the axes when those of the baseline are taken away.
  const auto others = [&](const Configuration& configuration) {
    Json axes = configuration.axes;
    for (const auto& [key, value] : baseline.items()) axes.erase(axis_of(configuration.axes, key));
    return nlohmann::json(axes).dump();  // its keys sorted
  };
  std::map<std::string, std::size_t> by_others;
  std::vector<std::size_t> candidates;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (has(all[i], baseline)) {
      candidates.push_back(i);
      by_others.emplace(others(all[i]), i);
    }
  if (candidates.empty()) complain(all, baseline);
  std::vector<std::optional<std::size_t>> found;
  for (const Configuration& each : all) {
    const auto at = by_others.find(others(each));
    if (at != by_others.end()) found.emplace_back(at->second);
    else if (candidates.size() == 1) found.emplace_back(candidates[0]);
    else found.emplace_back(std::nullopt);
  }
  return found;
}

}  // namespace paceline::compare
