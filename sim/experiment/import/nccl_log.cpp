#include "sim/experiment/import/nccl_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <set>
#include <sstream>

#include "sim/core/document.hpp"

namespace paceline {
namespace {

constexpr std::size_t largest_log = std::size_t{256} << 20;

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::optional<double> number_of(const std::string& word) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size() || !std::isfinite(value)) return {};
  return value;
}

bool is_type(const std::string& word) {
  static const std::set<std::string> types{"int8",   "uint8",    "char",    "int32",   "int",
                                           "uint32", "int64",    "uint64",  "half",    "float",
                                           "double", "bfloat16", "float16", "float32", "float64"};
  return types.contains(word) || word.starts_with("f8") || word.starts_with("fp8") || word.starts_with("float8");
}

struct Line {
  NcclTest::Row row;
  bool sums = false;            // it names the operation that reduces
  double algbw = 0, busbw = 0;  // GB/s, with two decimals
};

// size count type, wherever the line's own words begin.
std::optional<Line> line_of(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i + 2 < words.size(); ++i) {
    if (!is_type(words[i + 2]) || !number_of(words[i + 1])) continue;
    std::string size = words[i];  // a rank may be glued to it: "[1,0]<stdout>:33554432"
    size.erase(0, size.find_last_of(":>]") + 1);
    const auto bytes = number_of(size);
    std::size_t at = i + 3;
    const bool names = at < words.size() && !number_of(words[at]);  // the operation that reduces
    const bool sums = names && words[at] != "none";
    if (names) ++at;
    std::vector<std::optional<double>> figures;
    for (; at < words.size(); ++at) figures.push_back(number_of(words[at]));
    if (figures.size() % 2) figures.erase(figures.begin());  // the root
    if (!bytes || figures.size() < 4 || !figures[0] || !(*figures[0] > 0)) return {};
    Line line{{.bytes = *bytes, .seconds = 1e-6 * *figures[0]}, sums, figures[1].value_or(0), figures[2].value_or(0)};
    if (figures.size() >= 8 && figures[4] && *figures[4] > 0) line.row.in_place_s = 1e-6 * *figures[4];
    return line;
  }
  return {};
}

// "# Rank  3 Group  0 Pid …", "#  Rank  3 Pid …".
std::optional<int> rank_of(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i + 3 < words.size(); ++i)
    if (words[i].ends_with("#") && words[i + 1] == "Rank")
      if (const auto rank = number_of(words[i + 2])) return int(*rank);
  return {};
}

// The name before "_perf", if there is one.
std::string operation_of(const std::string& line) {
  const auto end = line.find("_perf");
  if (end == std::string::npos) return "";
  std::size_t begin = end;
  while (begin > 0 && (std::isalpha(static_cast<unsigned char>(line[begin - 1])) || line[begin - 1] == '_')) --begin;
  return line.substr(begin, end - begin);
}

// busbw / algbw is 2 (n - 1) / n of all_reduce alone, and (n - 1) / n of reduce_scatter, all_gather and alltoall, of
// which the first reduces. "" where that or two decimals do not tell: all_reduce of two ranks is as sendrecv.
std::string operation_by_columns(const Line& line, int n) {
  if (n < 2 || !(line.algbw > 0)) return "";
  const double factor = line.busbw / line.algbw, part = double(n - 1) / n;
  const double off = (0.005 + 0.005 * factor) / line.algbw;
  if (off > 0.2 / n) return "";
  if (n > 2 && std::abs(factor - 2 * part) <= off) return "all_reduce";
  return line.sums && std::abs(factor - part) <= off ? "reduce_scatter" : "";
}

}  // namespace

bool is_nccl_log(const std::string& text) {
  return text.find("nThread") != text.npos || text.find("nccl-tests") != text.npos || text.find("busbw") != text.npos;
}

std::vector<NcclTest> read_nccl_log(const std::string& path) {
  std::istringstream in(read_file(path, largest_log));
  std::vector<NcclTest> tests(1);
  std::set<int> ranks;
  std::string operation, last;
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> words = words_of(line);
    if (words.empty()) continue;
    last = line.substr(line.find_first_not_of(" \t"));
    if (const std::string named = operation_of(line); !named.empty() && line.find("concluded") == line.npos)
      operation = named;
    if (line.find("nThread") != line.npos) {  // every test begins so
      if (!tests.back().rows.empty()) tests.emplace_back();
      ranks.clear();
    }
    if (const auto rank = rank_of(words)) ranks.insert(*rank);
    if (const auto average = line.find("Avg bus bandwidth"); average != line.npos)
      tests.back().average_busbw = number_of(words.back());
    if (const auto row = line_of(words)) {
      NcclTest& test = tests.back();
      test.ranks = int(ranks.size());
      test.rows.push_back(row->row);
      if (!operation.empty()) test.operation = operation;
      else if (test.operation.empty()) test.operation = operation_by_columns(*row, test.ranks);
    }
  }
  if (tests.back().rows.empty()) tests.pop_back();
  if (tests.empty())
    throw ConfigError({std::make_shared<std::string>(path)}, "",
                      last.empty()
                          ? "is empty"
                          : fmt::format("holds no table of nccl-tests; it ends with \"{}\"", last.substr(0, 120)));
  return tests;
}

}  // namespace paceline
