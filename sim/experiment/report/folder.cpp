// What is read of every run folder, and lists made smaller.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "sim/core/document.hpp"
#include "sim/experiment/report/report.hpp"

namespace paceline::report {

constexpr std::size_t largest_results = std::size_t{1} << 31;

Json read_results(const std::string& folder) {
  const std::string file = folder + "/results.json";
  try {
    Json results = Json::parse(read_file(file, largest_results));
    if (results.at("schema_version").get<int>() > 1)
      throw ConfigError(file + ": written by a newer version of paceline, whose results this one does not know");
    return results;
  } catch (const Json::exception& error) {
    throw ConfigError(fmt::format("{}: not the results of a run: {}", file, error.what()));
  }
}

std::string label_of(const std::string& folder) {
  const std::filesystem::path path = std::filesystem::path(folder).lexically_normal();
  return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
}

Json columns(const Json& rows, const std::vector<std::string>& names, std::size_t group) {
  Json made = Json::object();
  for (const std::string& name : names) {
    Json& column = made[name] = Json::array();
    for (std::size_t i = 0; i < rows.size(); i += group) {
      const std::size_t end = std::min(i + group, rows.size());
      if (group == 1) {
        column.push_back(rows[i].at(name));
        continue;
      }
      double sum = 0;
      for (std::size_t k = i; k < end; ++k) sum += rows[k].at(name).get<double>();
      column.push_back(rounded(sum / double(end - i)));
    }
  }
  return made;
}

Json thinned(const Json& rows, std::size_t most) {
  const std::size_t every = std::max<std::size_t>((rows.size() + most - 1) / most, 1);
  Json kept = Json::array();
  for (std::size_t i = 0; i < rows.size(); ++i)
    if ((rows.size() - 1 - i) % every == 0) kept.push_back(rows[i]);
  return kept;
}

}  // namespace paceline::report
