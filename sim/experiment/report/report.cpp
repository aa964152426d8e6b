#include "sim/experiment/report/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace paceline::report {
namespace {

constexpr std::string_view mark = "@DATA@";
constexpr std::size_t most_detailed = 8;  // runs that are shown by themselves, too

bool is_run_folder(const std::string& path) {
  return std::filesystem::exists(path + "/results.json") && !std::filesystem::exists(path + "/sweep.sqlite");
}

}  // namespace

double rounded(double value) {
  return std::isfinite(value) ? std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr) : value;
}

Json document_of(const std::vector<std::string>& paths, const Options& options) {
  Json made{{"schema_version", 1}, {"paceline_version", PACELINE_VERSION}, {"runs", Json::array()}};
  std::vector<std::string> folders;
  for (const std::string& path : paths)
    if (is_run_folder(path)) folders.push_back(path);
  if (paths.size() > 1 || folders.empty()) {
    Json samples = samples_of(paths, made["notes"]);
    made["student_975"] = student_quantiles(std::max<std::size_t>(samples.size(), 2) - 1);
    made["samples"] = std::move(samples);
  }
  for (std::size_t i = 0; i < std::min(folders.size(), most_detailed); ++i)
    made["runs"].push_back(read_run(folders[i], options));
  return made;
}

std::string fill_page(std::string_view page, const Json& document) {
  const std::size_t at = page.find(mark);
  if (at == page.npos) throw std::logic_error("the page has no mark for its data");
  std::string made(page.substr(0, at));
  for (const char letter : document.dump(-1, ' ', false, Json::error_handler_t::replace))
    if (letter == '<') made += "\\u003c";
    else made += letter;
  return made.append(page.substr(at + mark.size()));
}

}  // namespace paceline::report
