#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/experiment/compare/comparison.hpp"

namespace paceline::compare {
namespace {

// Path → leaf, lists and all; "" of a value that is neither object nor list.
void leaves_of(const Json& value, const std::string& path, std::map<std::string, std::string>& leaves) {
  if (!value.is_structured()) {
    leaves[path] = value.is_string() ? value.get<std::string>() : value.dump();
    return;
  }
  std::size_t i = 0;
  for (const auto& [key, inner] : value.items()) {
    const std::string name = value.is_array() ? std::to_string(i++) : key;
    leaves_of(inner, path.empty() ? name : path + "." + name, leaves);
  }
}

std::string parent(const std::string& path) {
  const auto dot = path.rfind('.');
  return dot == std::string::npos ? "" : path.substr(0, dot);
}
std::string last(const std::string& path) { return path.substr(path.rfind('.') + 1); }

}  // namespace

std::vector<std::string> short_labels(const std::vector<Json>& values) {
  using Leaves = std::map<std::string, std::string>;
  std::map<std::string, std::string> known;  // by the value's text: there may be many rows, and few values
  std::vector<std::string> texts;
  std::vector<Leaves> all;
  for (const Json& value : values) {
    texts.push_back(value.dump());
    if (!known.emplace(texts.back(), "").second) continue;
    leaves_of(value, "", all.emplace_back());
  }
  const auto value_of = [](const Leaves& leaves, const std::string& path) {
    const auto at = leaves.find(path);
    return at == leaves.end() ? std::string() : at->second;
  };
  const auto label = [&](const Leaves& own, const Json& value) {
    if (!value.is_structured()) return value.is_null() ? std::string("-") : own.at("");
    std::vector<std::string> words;
    for (const auto& [path, leaf] : own) {
      const bool is_kind = last(path) == "kind";
      const std::string kind = (parent(path).empty() ? "" : parent(path) + ".") + "kind";
      const bool differs = std::any_of(all.begin(), all.end(), [&](const Leaves& other) {
        return (is_kind || value_of(other, kind) == value_of(own, kind)) && value_of(other, path) != leaf;
      });
      if (is_kind && (differs || path == "kind")) words.insert(words.begin(), leaf);
      else if (differs) words.push_back(fmt::format("{}={}", last(path), leaf));
    }
    return words.empty() ? std::string(own.empty() ? "none" : "given") : fmt::format("{}", fmt::join(words, " "));
  };
  std::size_t next = 0;
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::string& own = known[texts[i]];
    if (own.empty()) own = label(all[next++], values[i]);
    if (own.empty()) own = "\"\"";
    labels.push_back(own);
  }
  return labels;
}

}  // namespace paceline::compare
