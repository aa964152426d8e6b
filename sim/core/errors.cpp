#include "sim/core/errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace paceline {
namespace {

// Damerau-Levenshtein distance without repeated edits: insert, delete, replace, swap of neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

// Line breaks and terminal codes that come out of a file are shown, not obeyed.
std::string printable(std::string_view text) {
  std::string shown;
  for (char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '\n') shown += "\\n";
    else if (letter == '\t') shown += "\\t";
    else if (code < 0x20 || code == 0x7f) shown += fmt::format("\\x{:02x}", code);
    else shown += letter;
  }
  return shown;
}

}  // namespace

std::string Place::text() const {
  if (!file) return "";
  return line ? fmt::format("{}:{}:{}", *file, line, column) : *file;
}

ConfigError::ConfigError(const Place& place, std::string_view pointer, std::string_view rule)
    : runtime_error(printable(fmt::format("{}{}{}{}{}", place.text(), place.file ? ": " : "", pointer,
                                          pointer.empty() ? "" : ": ", rule))) {}

std::string did_you_mean(std::string_view name, std::span<const std::string> names) {
  if (name.size() > 64) return "";
  const std::string* nearest = nullptr;
  std::size_t least = std::max<std::size_t>(1, std::max(name.size(), std::size_t{3}) / 3) + 1;
  for (const std::string& candidate : names) {
    const std::size_t edits = distance(name, candidate);
    if (edits < least) nearest = &candidate, least = edits;
  }
  return nearest ? fmt::format("; did you mean \"{}\"?", *nearest) : "";
}

std::string did_you_mean_one_of(std::string_view name, std::span<const std::string> names) {
  const std::string near = did_you_mean(name, names);
  return fmt::format("{}{}: {}", near, near.empty() ? "; there are" : " There are", fmt::join(names, ", "));
}

std::string with_article(std::string_view noun) {
  return fmt::format("{} {}", std::string_view("aeiou").find(noun.substr(0, 1)) == std::string_view::npos ? "a" : "an",
                     noun);
}

}  // namespace paceline
